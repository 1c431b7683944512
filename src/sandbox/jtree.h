/* jtree: reads one JSON text (RFC 8259) strictly into a tree that keeps numbers as they were written.
 *
 * Refused: anything but valid UTF-8, a BOM, text after the value, a name twice in one object, numbers with a
 * leading zero, lone surrogates, more than JTREE_DEPTH levels or JTREE_NODES values. Spans point into the
 * text read or into the tree; both must outlive them. The same tree is used for one text after the other. */
#ifndef SANDBOX_JTREE_H
#define SANDBOX_JTREE_H

#include "kit/buf.h"

enum { JTREE_DEPTH = 16, JTREE_NODES = 512 };

enum jtree_type {
    JTREE_NULL,
    JTREE_FALSE,
    JTREE_TRUE,
    JTREE_NUMBER,
    JTREE_STRING,
    JTREE_ARRAY,
    JTREE_OBJECT
};

struct jtree_node {
    enum jtree_type type;
    struct span name; /* of an object's member, decoded */
    struct span text; /* of a string: decoded; of a number: as written */
    size_t points;    /* code points of a string */
    size_t count;     /* members or elements */
    int child;        /* the first one, -1: none */
    int next;         /* the next one of the same parent, -1: none */
};

struct jtree {
    struct jtree_node *nodes;
    int used;
    char *text; /* decoded strings */
    size_t text_len, text_size;
    const char *error; /* why the last text was refused */
    size_t error_at;   /* byte */
};

void jtree_init(struct jtree *tree);
void jtree_free(struct jtree *tree);
/* The root, borrowed until the next read; NULL when it is refused, and error says why. */
const struct jtree_node *jtree_read(struct jtree *tree, struct span text);
const struct jtree_node *jtree_child(const struct jtree *tree,
                                     const struct jtree_node *node);                          /* NULL: none */
const struct jtree_node *jtree_next(const struct jtree *tree, const struct jtree_node *node); /* NULL: none */
/* NULL when there is no such member, or `node` is no object. */
const struct jtree_node *jtree_member(const struct jtree *tree, const struct jtree_node *node,
                                      const char *name);

#endif
