/* packed.h - bodies that were packed by others (Python's zlib): each is "hello, hello, hello", but for the empty one. */
#ifndef EDDY_HTTP_TESTS_PACKED_H
#define EDDY_HTTP_TESTS_PACKED_H

#define HELLOS "hello, hello, hello"
#define RAW "\xcb\x48\xcd\xc9\xc9\xd7\x51\xc8\x40\xa2\x00"
#define CRC "\x9f\xa1\xca\x09\x13\0\0\0"
#define GZIP_PLAIN "\x1f\x8b\x08\0\0\0\0\0\0\x03" RAW CRC
/* With all that a gzip's head may have: an extra field, a name, a comment, a check sum of its own. */
#define GZIP_FULL "\x1f\x8b\x08\x1e\x01\0\0\0\0\x03\x04\0ab\0\0a name\0a comment\0\x77\x62" RAW CRC
#define GZIP_EMPTY "\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0"
#define ZLIB "\x78\x9c" RAW "\x44\x28\x06\xd5"
#define ZLIB_WITH_A_DICTIONARY "\x78\xf9\x06\x2c\x02\x15\xcb\0\x11\x3a\x0a\xc8\x14\0\x44\x28\x06\xd5"

#endif
