/* text_class.h - what each byte may be, for those who look at many of them. Only the files of http/ include it. */
#ifndef EDDY_HTTP_TEXT_CLASS_H
#define EDDY_HTTP_TEXT_CLASS_H

enum text_class {
    TOKEN = 1,          /* tchar (RFC 9110, section 5.6.2) */
    VALUE = 2,          /* of a field: visible, space, tab, 0x80 to 0xff */
    TARGET = 4,         /* of a request: visible, 0x80 to 0xff */
    UNRESERVED = 8,     /* RFC 3986, section 2.3 */
    SUB_DELIM = 16,     /* section 2.2 */
    DIGIT = 32,
    ALPHA = 64
};

extern const unsigned char text_classes[256];

static inline int text_class(char c)
{
    return text_classes[(unsigned char)c];
}

#endif
