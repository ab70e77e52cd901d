/* multipart.h - the parts of a form (RFC 7578, RFC 2046), in one piece or as they come.
 *
 * ERRORS     As parse.h: consumed, 0: more must come, or -EINVAL and a problem.
 *
 * Traps it exists for: a boundary that comes in two portions; parts and fields of parts without number, which cost the sender
 * nothing; and a filename with a path, a zero or a line in it. */
#ifndef EDDY_HTTP_MULTIPART_H
#define EDDY_HTTP_MULTIPART_H

#include "http/parse.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BOUNDARY_MAX = 70, PART_MAX = 100, PART_HEAD_MAX = 10240, PART_FIELDS = 16 };

struct part {                       /* views into what came */
    struct header fields[PART_FIELDS];
    struct headers headers;
    struct bytes name, filename;    /* as they came, without quotes around them, for part_text; filename {NULL, 0}: no file */
    bool extended;                  /* the filename is filename*'s: charset'language'percent-encoded */
    struct bytes type;              /* of its content; empty: text/plain */
};

struct multipart {
    char boundary[BOUNDARY_MAX + 5];        /* CR LF - - boundary */
    size_t boundary_len;
    enum { PART_PREAMBLE, PART_HEAD, PART_DATA, PART_END } state;
    int parts;
};

/* From the value of a Content-Type field. 0, or -EINVAL: it is no form in parts, or has no boundary. */
int multipart_begin(struct multipart *, struct bytes content_type);
/* Takes what it can: how many bytes; then *what says what they are. 0: more must come (at the end of the body: it is cut off). */
enum multipart_event { MULTIPART_NOTHING, MULTIPART_PART, MULTIPART_DATA, MULTIPART_PART_ENDS, MULTIPART_ENDS };
ssize_t multipart_take(struct multipart *, struct bytes seen, enum multipart_event *what, struct part *, struct bytes *data,
                       struct problem *);
/* A name or filename for use: escapes (%22, \", filename*'s percent signs) resolved, into `out` with room for text.len bytes. Its
 * length, or -EINVAL: control bytes, or a charset that is neither UTF-8 nor ISO-8859-1. */
ssize_t part_text(struct bytes text, bool extended, char *out);

#ifdef __cplusplus
}
#endif
#endif
