/* Recursive descent. Strings without an escape are spans of the text itself; the others are decoded into a
 * store as long as the text, which they cannot outgrow. */
#include "jtree.h"

#include <stdlib.h>
#include <string.h>

struct cursor {
    struct jtree *tree;
    const unsigned char *start, *at, *end;
    int depth;
};

void jtree_init(struct jtree *tree)
{
    *tree = (struct jtree){.nodes = mem_array(JTREE_NODES, sizeof(struct jtree_node))};
}

void jtree_free(struct jtree *tree)
{
    free(tree->nodes);
    free(tree->text);
    *tree = (struct jtree){0};
}

static int refuse(struct cursor *in, const char *error)
{
    in->tree->error = error;
    in->tree->error_at = (size_t)(in->at - in->start);
    return -1;
}

static int new_node(struct cursor *in, enum jtree_type type)
{
    if (in->tree->used == JTREE_NODES)
        return refuse(in, "too many values");
    in->tree->nodes[in->tree->used] = (struct jtree_node){.type = type, .child = -1, .next = -1};
    return in->tree->used++;
}

static void skip_blanks(struct cursor *in)
{
    while (in->at < in->end && memchr(" \t\r\n", *in->at, 4))
        in->at++;
}

static bool take(struct cursor *in, char c)
{
    if (in->at == in->end || *in->at != (unsigned char)c)
        return false;
    in->at++;
    return true;
}

/* Bytes of the well-formed UTF-8 sequence at the cursor, 0: none. */
static size_t sequence(const struct cursor *in)
{
    const unsigned char *s = in->at;
    size_t left = (size_t)(in->end - s);
    uint32_t value;
    size_t len = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

    if (len < 2)
        return len;
    if (left < len)
        return 0;
    value = s[0] & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if (s[i] >> 6 != 2)
            return 0;
        value = value << 6 | (s[i] & 0x3Fu);
    }
    if (value < smallest[len] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    return len;
}

static int read_hex4(struct cursor *in, uint32_t *out)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++) {
        unsigned c = in->at < in->end ? *in->at : 0;
        if (c >= '0' && c <= '9')
            value = value << 4 | (c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            value = value << 4 | ((c | 0x20) - 'a' + 10);
        else
            return refuse(in, "four hexadecimal digits must follow \\u");
        in->at++;
    }
    *out = value;
    return 0;
}

/* After "\u": one code point, also when it takes a surrogate pair. */
static int read_unicode(struct cursor *in, uint32_t *out)
{
    uint32_t low;

    if (read_hex4(in, out) != 0)
        return -1;
    if (*out < 0xD800 || *out > 0xDFFF)
        return 0;
    if (*out > 0xDBFF || !take(in, '\\') || !take(in, 'u'))
        return refuse(in, "a lone surrogate");
    if (read_hex4(in, &low) != 0)
        return -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return refuse(in, "a lone surrogate");
    *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
    return 0;
}

static void store(struct jtree *tree, uint32_t point)
{
    char *to = tree->text + tree->text_len;
    size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

    for (size_t i = len - 1; i > 0; i--) {
        to[i] = (char)(0x80 | (point & 0x3F));
        point >>= 6;
    }
    to[0] = (char)(len == 1 ? point : (0xF00u >> len & 0xFFu) | point);
    tree->text_len += len;
}

static int read_escape(struct cursor *in)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    uint32_t point;

    if (take(in, 'u')) {
        if (read_unicode(in, &point) != 0)
            return -1;
    } else {
        found = in->at < in->end && *in->at ? strchr(from, *in->at) : NULL;
        if (!found)
            return refuse(in, "an unknown escape");
        point = (unsigned char)to[found - from];
        in->at++;
    }
    store(in->tree, point);
    return 0;
}

/* After the opening quote. */
static int read_string(struct cursor *in, struct span *out, size_t *points)
{
    const unsigned char *start = in->at;
    char *decoded = in->tree->text + in->tree->text_len;
    bool escaped = false;

    *points = 0;
    while (in->at < in->end && *in->at != '"') {
        size_t len = sequence(in);
        if (len == 0)
            return refuse(in, "not UTF-8");
        if (*in->at < 0x20)
            return refuse(in, "a control character in a string");
        if (*in->at == '\\') {
            if (!escaped) {
                memcpy(decoded, start, (size_t)(in->at - start));
                in->tree->text_len += (size_t)(in->at - start);
            }
            escaped = true;
            in->at++;
            if (read_escape(in) != 0)
                return -1;
        } else {
            if (escaped) {
                memcpy(in->tree->text + in->tree->text_len, in->at, len);
                in->tree->text_len += len;
            }
            in->at += len;
        }
        ++*points;
    }
    if (escaped)
        *out = (struct span){decoded, (size_t)(in->tree->text + in->tree->text_len - decoded)};
    else
        *out = (struct span){(const char *)start, (size_t)(in->at - start)};
    return take(in, '"') ? 0 : refuse(in, "a string that does not end");
}

static size_t digits(struct cursor *in)
{
    const unsigned char *start = in->at;

    while (in->at < in->end && *in->at >= '0' && *in->at <= '9')
        in->at++;
    return (size_t)(in->at - start);
}

static int read_number(struct cursor *in, struct span *out)
{
    const unsigned char *start = in->at;

    (void)take(in, '-');
    if (!take(in, '0') && digits(in) == 0)
        return refuse(in, "not a value");
    if (take(in, '.') && digits(in) == 0)
        return refuse(in, "a number without digits after its point");
    if (in->at < in->end && (*in->at | 0x20) == 'e') {
        in->at++;
        if (!take(in, '+'))
            (void)take(in, '-');
        if (digits(in) == 0)
            return refuse(in, "a number without digits in its exponent");
    }
    *out = (struct span){(const char *)start, (size_t)(in->at - start)};
    return 0;
}

static int read_value(struct cursor *in);

static bool name_taken(const struct jtree *tree, int parent, struct span name)
{
    for (int i = tree->nodes[parent].child; i >= 0; i = tree->nodes[i].next)
        if (span_same(tree->nodes[i].name, name))
            return true;
    return false;
}

/* One element, or one member with its name, put behind `last` under `parent`. Returns its index. */
static int read_entry(struct cursor *in, int parent, int last)
{
    struct jtree_node *nodes = in->tree->nodes;
    struct span name = {"", 0};
    size_t points;
    int index;

    skip_blanks(in);
    if (nodes[parent].type == JTREE_OBJECT) {
        if (!take(in, '"'))
            return refuse(in, "a member without a name");
        if (read_string(in, &name, &points) != 0)
            return -1;
        if (name_taken(in->tree, parent, name))
            return refuse(in, "a name twice in one object");
        skip_blanks(in);
        if (!take(in, ':'))
            return refuse(in, "no colon after a name");
    }
    index = read_value(in);
    if (index < 0)
        return -1;
    nodes[index].name = name;
    if (last >= 0)
        nodes[last].next = index;
    else
        nodes[parent].child = index;
    nodes[parent].count++;
    skip_blanks(in);
    return index;
}

static int read_group(struct cursor *in, enum jtree_type type, char close)
{
    int parent = new_node(in, type), last = -1;

    if (parent < 0)
        return -1;
    if (++in->depth > JTREE_DEPTH)
        return refuse(in, "too deep");
    skip_blanks(in);
    if (!take(in, close)) {
        do {
            last = read_entry(in, parent, last);
            if (last < 0)
                return -1;
        } while (take(in, ','));
        if (!take(in, close))
            return refuse(in, "an object or array that does not end");
    }
    in->depth--;
    return parent;
}

static int read_word(struct cursor *in)
{
    static const struct {
        const char *word;
        enum jtree_type type;
    } words[] = {{"null", JTREE_NULL}, {"false", JTREE_FALSE}, {"true", JTREE_TRUE}};

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        size_t len = strlen(words[i].word);
        if ((size_t)(in->end - in->at) >= len && memcmp(in->at, words[i].word, len) == 0) {
            in->at += len;
            return new_node(in, words[i].type);
        }
    }
    return refuse(in, "not a value");
}

static int read_value(struct cursor *in)
{
    int index;

    skip_blanks(in);
    if (take(in, '{'))
        return read_group(in, JTREE_OBJECT, '}');
    if (take(in, '['))
        return read_group(in, JTREE_ARRAY, ']');
    if (in->at < in->end && (*in->at == '-' || (*in->at >= '0' && *in->at <= '9'))) {
        index = new_node(in, JTREE_NUMBER);
        return index < 0 || read_number(in, &in->tree->nodes[index].text) != 0 ? -1 : index;
    }
    if (!take(in, '"'))
        return read_word(in);
    index = new_node(in, JTREE_STRING);
    if (index < 0 || read_string(in, &in->tree->nodes[index].text, &in->tree->nodes[index].points) != 0)
        return -1;
    return index;
}

const struct jtree_node *jtree_read(struct jtree *tree, struct span text)
{
    const unsigned char *start = (const unsigned char *)text.ptr;
    struct cursor in = {.tree = tree, .start = start, .at = start, .end = start + text.len};

    tree->used = 0;
    tree->text_len = 0;
    tree->error = NULL;
    if (tree->text_size < text.len + 1) {
        tree->text_size = text.len + 1;
        tree->text = mem_grow(tree->text, tree->text_size, 1);
    }
    if (read_value(&in) < 0)
        return NULL;
    skip_blanks(&in);
    if (in.at != in.end) {
        (void)refuse(&in, "text after the value");
        return NULL;
    }
    return &tree->nodes[0];
}

const struct jtree_node *jtree_child(const struct jtree *tree, const struct jtree_node *node)
{
    return node->child < 0 ? NULL : &tree->nodes[node->child];
}

const struct jtree_node *jtree_next(const struct jtree *tree, const struct jtree_node *node)
{
    return node->next < 0 ? NULL : &tree->nodes[node->next];
}

const struct jtree_node *jtree_member(const struct jtree *tree, const struct jtree_node *node,
                                      const char *name)
{
    if (node->type != JTREE_OBJECT)
        return NULL;
    for (const struct jtree_node *at = jtree_child(tree, node); at; at = jtree_next(tree, at))
        if (span_is(at->name, name))
            return at;
    return NULL;
}
