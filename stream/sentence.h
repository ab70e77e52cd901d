/* sentence.h - what went wrong, in words that name what it went wrong with.
 *
 * The trap it exists for: a future's `why` is a static sentence, so that it can never dangle; but "refused" without the address
 * that refused sends people looking in the wrong place. Who wants the name lends the room for it. */
#ifndef EDDY_STREAM_SENTENCE_H
#define EDDY_STREAM_SENTENCE_H

#ifdef __cplusplus
extern "C" {
#endif

struct sentence {
    char text[320];
};

/* Writes it, cut to the room there is; NULL: nobody wants to know. */
void sentence_write(struct sentence *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif
#endif
