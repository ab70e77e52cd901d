/* interpreter_v8.c - JavaScript's frames on a thread's stack: by the numbers that V8 exports for debuggers (v8dbg_...), which say
 * where everything is in its objects.
 *
 * A frame of JavaScript holds its function; that one leads to its name, its script, and the text of that. In interpreted code the
 * frame says where in the bytecode it is, and so on which line; of compiled code it is the line on which the function begins.
 *
 * Traps: (a) a collection moves objects while they are read: each must have the type that it should have, or the frame is none.
 *        (b) C++ between JavaScript's frames keeps frame pointers or does not; what it leaves behind looks like frames: after one
 *            that is sure, nothing below its caller's is believed. */
#include <stdio.h>
#include <string.h>

#include "grader/blocking/interpreter_inside.h"

enum number { FRAME_FUNCTION, FRAME_BYTECODES, FRAME_AT, FUNCTION_SHARED, SHARED_NAME, SHARED_SCRIPT, SCRIPT_NAME, SCRIPT_SOURCE,
              OBJECT_MAP, MAP_TYPE, STRING_LENGTH, BYTE_CHARS, WIDE_CHARS, CONS_FIRST, THIN_ACTUAL, BYTECODES_DATA, SCOPE_LOCALS,
              SCOPE_VARIABLES, IS_SHARED, IS_SCRIPT, IS_SCOPE, IS_BYTECODES, IS_BYTES, IS_ARRAY, NOT_STRING, KIND_MASK,
              WIDTH_MASK, KIND_SEQUENCE, KIND_CONS, KIND_THIN, WIDTH_BYTE, TAGGED_SIZE, KIND_SLICE, SLICE_PARENT, SLICE_BEGINS,
              KIND_EXTERNAL, EXTERNAL_RESOURCE };

const char *const v8_names[V8_NUMBERS] = {
    [FRAME_FUNCTION] = "v8dbg_off_fp_function",
    [FRAME_BYTECODES] = "v8dbg_off_fp_bytecode_array",
    [FRAME_AT] = "v8dbg_off_fp_bytecode_offset",
    [FUNCTION_SHARED] = "v8dbg_class_JSFunction__shared__SharedFunctionInfo",
    [SHARED_NAME] = "v8dbg_class_SharedFunctionInfo__name_or_scope_info__Object",
    [SHARED_SCRIPT] = "v8dbg_class_SharedFunctionInfo__script_or_debug_info__HeapObject",
    [SCRIPT_NAME] = "v8dbg_class_Script__name__Object",
    [SCRIPT_SOURCE] = "v8dbg_class_Script__source__Object",
    [OBJECT_MAP] = "v8dbg_class_HeapObject__map__Map",
    [MAP_TYPE] = "v8dbg_class_Map__instance_type__uint16_t",
    [STRING_LENGTH] = "v8dbg_class_String__length__int32_t",
    [BYTE_CHARS] = "v8dbg_class_SeqOneByteString__chars__char",
    [WIDE_CHARS] = "v8dbg_class_SeqTwoByteString__chars__char",
    [CONS_FIRST] = "v8dbg_class_ConsString__first__String",
    [THIN_ACTUAL] = "v8dbg_class_ThinString__actual__String",
    [BYTECODES_DATA] = "v8dbg_class_BytecodeArray__data__uintptr_t",
    [SCOPE_LOCALS] = "v8dbg_scopeinfo_idx_ncontextlocals",
    [SCOPE_VARIABLES] = "v8dbg_scopeinfo_idx_first_vars",
    [IS_SHARED] = "v8dbg_type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE",
    [IS_SCRIPT] = "v8dbg_type_Script__SCRIPT_TYPE",
    [IS_SCOPE] = "v8dbg_type_ScopeInfo__SCOPE_INFO_TYPE",
    [IS_BYTECODES] = "v8dbg_type_BytecodeArray__BYTECODE_ARRAY_TYPE",
    [IS_BYTES] = "v8dbg_type_ByteArray__BYTE_ARRAY_TYPE",
    [IS_ARRAY] = "v8dbg_type_FixedArray__FIXED_ARRAY_TYPE",
    [NOT_STRING] = "v8dbg_FirstNonstringType",
    [KIND_MASK] = "v8dbg_StringRepresentationMask",
    [WIDTH_MASK] = "v8dbg_StringEncodingMask",
    [KIND_SEQUENCE] = "v8dbg_SeqStringTag",
    [KIND_CONS] = "v8dbg_ConsStringTag",
    [KIND_THIN] = "v8dbg_ThinStringTag",
    [WIDTH_BYTE] = "v8dbg_OneByteStringTag",
    [TAGGED_SIZE] = "v8dbg_TaggedSize",
    [KIND_SLICE] = "v8dbg_SlicedStringTag",
    [SLICE_PARENT] = "v8dbg_class_SlicedString__parent__String",
    [SLICE_BEGINS] = "v8dbg_class_SlicedString__offset__SMI",
    [KIND_EXTERNAL] = "v8dbg_ExternalStringTag",
    [EXTERNAL_RESOURCE] = "v8dbg_class_ExternalString__resource__Object",
};

enum { FRAMES_AT_MOST = 512, INNERMOST = 16, OUTERMOST = 12,     /* those between are passed over */
       NAME_SHOWN = 200, LARGEST_SOURCE = 16 << 20, COUNTED_AT_MOST = 2 << 20,     /* but for the innermost frame */
       LOCALS_AT_MOST = 64, STACK_AT_MOST = 64 << 20,
       POSITIONS_AT_MOST = 1 << 16,
       UNCACHED = 16 };             /* of a string type: it does not say where its characters are */

bool v8_is_known(const struct interpreter *in)
{
    return in->v8[TAGGED_SIZE] == 8 && in->v8[FRAME_FUNCTION] < 0 && in->v8[BYTECODES_DATA] > 0;
}

/* ---- objects: a pointer to one is its address + 1; a number is in the upper half of a word whose lower half is 0 --------- */

static bool is_object(uint64_t value)
{
    return (value & 3) == 1 && value > 4096;
}

static bool is_number(uint64_t value)
{
    return (uint32_t)value == 0;
}

static int number_of(uint64_t value)
{
    return (int)(int64_t)(value >> 32);
}

/* The word at that offset of an object; 0: there is none. */
static uint64_t field(const struct interpreter *in, uint64_t object, int offset)
{
    uint64_t value = 0;
    return is_object(object) && memory_read(in->pid, object - 1 + (uint64_t)offset, &value, sizeof value) ? value : 0;
}

/* -1: it is no object. */
static int type_of(const struct interpreter *in, uint64_t object)
{
    uint16_t type = 0;
    uint64_t map = field(in, object, in->v8[OBJECT_MAP]);
    return is_object(map) && memory_read(in->pid, map - 1 + (uint64_t)in->v8[MAP_TYPE], &type, sizeof type) ? type : -1;
}

/* The one at that offset, if it is of that type; 0: it is not. */
static uint64_t field_of(const struct interpreter *in, uint64_t object, int offset, enum number type)
{
    uint64_t value = field(in, object, offset);
    return type_of(in, value) == in->v8[type] ? value : 0;
}

/* ---- texts ---------------------------------------------------------------------------------------------------------------- */

struct string {
    uint64_t begin;                 /* of its characters */
    int len, width;                 /* width: bytes of one */
};

static int string_length(const struct interpreter *in, uint64_t object)
{
    int32_t len = 0;
    return memory_read(in->pid, object - 1 + (uint64_t)in->v8[STRING_LENGTH], &len, sizeof len) ? len : -1;
}

/* What a string that has no characters of its own stands for, and where in that it begins; 0: it is put together of several. */
static uint64_t string_behind(const struct interpreter *in, uint64_t object, int kind, int len, int *begins)
{
    if (kind == in->v8[KIND_THIN])
        return field(in, object, in->v8[THIN_ACTUAL]);
    if (kind == in->v8[KIND_SLICE]) {
        *begins += number_of(field(in, object, in->v8[SLICE_BEGINS]));
        return field(in, object, in->v8[SLICE_PARENT]);
    }
    uint64_t first = kind == in->v8[KIND_CONS] ? field(in, object, in->v8[CONS_FIRST]) : 0;
    return is_object(first) && string_length(in, first) == len ? first : 0;
}

/* False: it is none whose characters are in one place. */
static bool string_read(const struct interpreter *in, uint64_t object, struct string *out)
{
    int begins = 0;
    out->len = is_object(object) ? string_length(in, object) : -1;
    for (int depth = 0; depth < 4 && is_object(object) && out->len >= 0; depth++) {
        int type = type_of(in, object), kind = type & in->v8[KIND_MASK];
        if (type < 0 || type >= in->v8[NOT_STRING])
            return false;
        out->width = (type & in->v8[WIDTH_MASK]) == in->v8[WIDTH_BYTE] ? 1 : 2;
        out->begin = object - 1 + (uint64_t)(in->v8[out->width == 1 ? BYTE_CHARS : WIDE_CHARS] + begins * out->width);
        if (kind == in->v8[KIND_EXTERNAL])          /* node's own sources, and large ones: behind the resource, where it is */
            out->begin = field(in, object, in->v8[EXTERNAL_RESOURCE] + 8) + (uint64_t)(begins * out->width);
        if (kind == in->v8[KIND_SEQUENCE] || (kind == in->v8[KIND_EXTERNAL] && !(type & UNCACHED)))
            return begins >= 0 && begins <= string_length(in, object) - out->len;
        object = string_behind(in, object, kind, out->len, &begins);
    }
    return false;
}

static size_t unit_put(char *to, unsigned code)
{
    if (code < ' ' || code == 0x7f || (code >= 0xd800 && code < 0xe000))
        code = '?';
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    to[0] = (char)(0xe0 | code >> 12);
    to[1] = (char)(0x80 | (code >> 6 & 63));
    to[2] = (char)(0x80 | (code & 63));
    return 3;
}

/* As UTF-8; false: it is empty, or no string. */
static bool text_read(const struct interpreter *in, uint64_t object, char out[3 * NAME_SHOWN + 1])
{
    struct string string;
    uint8_t units[2 * NAME_SHOWN];
    if (!string_read(in, object, &string) || string.len == 0)
        return false;
    int shown = string.len < NAME_SHOWN ? string.len : NAME_SHOWN;
    if (!memory_read(in->pid, string.begin, units, (size_t)(shown * string.width)))
        return false;
    size_t put = 0;
    for (int i = 0; i < shown; i++)
        put += unit_put(out + put, string.width == 1 ? units[i] : (unsigned)(units[2 * i] | units[2 * i + 1] << 8));
    out[put] = 0;
    return true;
}

/* ---- lines ---------------------------------------------------------------------------------------------------------------- */

struct spot {
    int line, column;               /* from 1 on; 0: not known */
};

static struct spot spot_of(const struct interpreter *in, uint64_t source, int position)
{
    struct string string;
    struct spot spot = { 1, 1 };
    uint8_t units[8192];
    if (position < 0 || !string_read(in, source, &string) || position > string.len || position > LARGEST_SOURCE)
        return (struct spot){0};
    for (int at = 0, part; at < position; at += part) {
        part = position - at < 4096 ? position - at : 4096;
        if (!memory_read(in->pid, string.begin + (uint64_t)at * (uint64_t)string.width, units, (size_t)(part * string.width)))
            return (struct spot){0};
        for (int i = 0; i < part; i++) {
            bool ends = units[i * string.width] == '\n' && (string.width == 1 || units[2 * i + 1] == 0);
            spot = ends ? (struct spot){ spot.line + 1, 1 } : (struct spot){ spot.line, spot.column + 1 };
        }
    }
    return spot;
}

struct positions {                  /* a table of source positions, as far as it was read */
    const struct interpreter *in;
    uint64_t at;
    int left, have, next;
    uint8_t bytes[256];
};

/* A number in sevens of bits, the sign in the lowest. False: the table is over. */
static bool positions_next(struct positions *p, int64_t *value)
{
    uint64_t bits = 0;
    for (int shift = 0; shift < 63; shift += 7) {
        if (p->next == p->have) {
            p->have = p->left < (int)sizeof p->bytes ? p->left : (int)sizeof p->bytes;
            p->next = 0;
            if (p->have == 0 || !memory_read(p->in->pid, p->at, p->bytes, (size_t)p->have))
                return false;
            p->at += (uint64_t)p->have;
            p->left -= p->have;
        }
        uint8_t byte = p->bytes[p->next++];
        bits |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value = (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
            return true;
        }
    }
    return false;
}

/* Where in the source that byte of code is; -1: the table does not say. Its entries are differences: of the place in the code,
 * negative - 1 where no statement begins, and of the position, which is in 30 bits above the lowest, + 1. */
static int position_at(struct positions *p, int64_t wanted)
{
    int64_t code = 0, source = 0, code_moves, source_moves;
    int found = -1;
    while (positions_next(p, &code_moves) && positions_next(p, &source_moves)) {
        code += code_moves < 0 ? -(code_moves + 1) : code_moves;
        source += source_moves;
        if (code > wanted)
            break;
        found = (int)(source >> 1 & 0x3fffffff) - 1;
    }
    return found;
}

/* Of interpreted code, in which the frame says where it is. -1: it is compiled, or V8 keeps that elsewhere in this version. */
static int position_of(const struct interpreter *in, uint64_t bytecodes, uint64_t at)
{
    enum { LENGTH = 8, CONSTANTS = 16, HANDLERS = 24, POSITIONS = 32, BYTES_LENGTH = 8, BYTES_DATA = 16 };
    if (!is_number(at) || type_of(in, bytecodes) != in->v8[IS_BYTECODES] ||
        !field_of(in, bytecodes, CONSTANTS, IS_ARRAY) || !field_of(in, bytecodes, HANDLERS, IS_BYTES))
        return -1;
    uint64_t table = field_of(in, bytecodes, POSITIONS, IS_BYTES), len = field(in, table, BYTES_LENGTH);
    int wanted = number_of(at) - (in->v8[BYTECODES_DATA] - 1);
    if (!table || !is_number(len) || number_of(len) > POSITIONS_AT_MOST || wanted < 0 ||
        wanted >= number_of(field(in, bytecodes, LENGTH)))
        return -1;
    struct positions positions = { .in = in, .at = table - 1 + BYTES_DATA, .left = number_of(len) };
    return position_at(&positions, wanted);
}

/* What a scope knows of its function: behind the variables a name, and where it begins and ends in the source. */
static void scope_read(const struct interpreter *in, uint64_t scope, char name[3 * NAME_SHOWN + 1], int *begin, int *end)
{
    enum { WORDS = 8 };
    uint64_t words[WORDS + 2] = {0};
    int locals = number_of(field(in, scope, 8 * (1 + in->v8[SCOPE_LOCALS])));
    if (locals < 0 || locals > LOCALS_AT_MOST)
        return;
    uint64_t from = scope - 1 + 8 * (uint64_t)(1 + in->v8[SCOPE_VARIABLES] + 2 * locals);
    if (!memory_read(in->pid, from, words, sizeof words))
        return;
    for (int i = 0; i < WORDS; i++) {
        bool pair = is_number(words[i]) && is_number(words[i + 1]) && !is_number(words[i + 2]);
        if (pair && number_of(words[i]) >= 0 && number_of(words[i]) < number_of(words[i + 1])) {
            *begin = number_of(words[i]);
            *end = number_of(words[i + 1]);
            return;
        }
        if (!*name)
            text_read(in, words[i], name);
    }
}

/* ---- frames --------------------------------------------------------------------------------------------------------------- */

struct found {
    uint64_t frame, shared;
};

struct walk {
    const struct interpreter *in;
    const uint8_t *stack;           /* a copy of what is from `bottom` on */
    uint64_t bottom;
    size_t len;
    char *text;
    size_t put, size;
    int count, counted;             /* counted: characters of sources in which lines were */
};

/* What lies further out than the copy reaches does not change while what is further in runs. */
static bool stack_word(const struct walk *w, uint64_t at, uint64_t *value)
{
    if (at < w->bottom || at % 8 != 0)
        return false;
    if (at - w->bottom + 8 > w->len)
        return memory_read(w->in->pid, at, value, sizeof *value);
    memcpy(value, w->stack + (at - w->bottom), sizeof *value);
    return true;
}

static bool is_link(const struct walk *w, uint64_t frame, uint64_t next)
{
    return next > frame && next % 8 == 0 && next - w->bottom < (uint64_t)STACK_AT_MOST;
}

/* Of the function in that frame of the stack, its shared part; 0: it is no frame of JavaScript. */
static uint64_t shared_of(const struct walk *w, uint64_t frame)
{
    uint64_t next, function;
    bool is_frame = stack_word(w, frame, &next) && is_link(w, frame, next) &&
                    stack_word(w, frame + (uint64_t)w->in->v8[FRAME_FUNCTION], &function) && is_object(function);
    return is_frame ? field_of(w->in, function, w->in->v8[FUNCTION_SHARED], IS_SHARED) : 0;
}

static void frame_tell(struct walk *w, uint64_t frame, uint64_t shared)
{
    const struct interpreter *in = w->in;
    char file[3 * NAME_SHOWN + 1], name[3 * NAME_SHOWN + 1] = "";
    uint64_t script = field_of(in, shared, in->v8[SHARED_SCRIPT], IS_SCRIPT), bytecodes = 0, at = 1;
    uint64_t scope = field(in, shared, in->v8[SHARED_NAME]);
    int begin = -1, end = -1;
    if (!script || !text_read(in, field(in, script, in->v8[SCRIPT_NAME]), file))
        return;
    if (type_of(in, scope) == in->v8[IS_SCOPE])
        scope_read(in, scope, name, &begin, &end);
    else
        text_read(in, scope, name);
    stack_word(w, frame + (uint64_t)in->v8[FRAME_BYTECODES], &bytecodes);
    stack_word(w, frame + (uint64_t)in->v8[FRAME_AT], &at);
    int position = position_of(in, bytecodes, at);
    if (position < begin || position > end)
        position = begin;
    if (w->counted && position > COUNTED_AT_MOST - w->counted)
        position = -1;
    w->counted += position > 0 ? position : 0;
    struct spot spot = spot_of(in, field(in, script, in->v8[SCRIPT_SOURCE]), position);
    int put = snprintf(w->text + w->put, w->size - w->put, "%d: %s (%s:%d:%d)\n", w->count + 1, *name ? name : "<anonymous>",
                       file, spot.line, spot.column);
    if (put < 0 || (size_t)put >= w->size - w->put)
        return;
    w->put += (size_t)put;
    w->count++;
}

/* From the innermost on: where they are, and their shared parts. What is not linked is looked for, as far as the copy reaches. */
static int frames_find(const struct walk *w, uint64_t frame, struct found found[FRAMES_AT_MOST])
{
    uint64_t next;
    int count = 0;
    bool linked = is_link(w, w->bottom - 8, frame);
    for (frame = linked ? frame : w->bottom; count < FRAMES_AT_MOST && stack_word(w, frame, &next);) {
        found[count] = (struct found){ frame, shared_of(w, frame) };
        linked = (linked || found[count].shared) && is_link(w, frame, next);
        count += found[count].shared != 0;
        frame = linked ? next : frame + 8;
        if (!linked && frame - w->bottom >= w->len)
            break;
    }
    return count;
}

size_t v8_lines(const struct interpreter *in, const struct snapshot *sample, char *text, size_t size)
{
    struct found found[FRAMES_AT_MOST];
    struct walk w = { .in = in, .stack = sample->stack, .bottom = sample->at.sp & ~UINT64_C(7), .len = sample->stack_len,
                      .text = text, .size = size };
    int count = frames_find(&w, sample->at.bp, found);
    for (int i = 0; i < count; i++)
        if (i < INNERMOST || i >= count - OUTERMOST)
            frame_tell(&w, found[i].frame, found[i].shared);
    return w.put;
}
