/* slow_disk.h - a file system of which each answer takes a millisecond: what a network's or a busy disk is.
 *
 * It is served by a thread of this process, over /dev/fuse, and mounted where only this process sees it. Nobody needs a right
 * for it. The trap it exists for: a file system that is fast because the tests' machine is. */
#ifndef EDDY_CATALOGUE_SLOW_DISK_H
#define EDDY_CATALOGUE_SLOW_DISK_H

/* In it are, by how their names begin: file..., dir..., link... (to file), program... and library... (copies of files of this
 * machine); what else is asked for is not there, and can be made. Only while the process has one thread. NULL, or why it
 * cannot be had here. */
const char *slow_disk_mount(const char *folder);
/* Its thread starts; others may from now on. */
void slow_disk_start(void);

#endif
