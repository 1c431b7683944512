/* alloc_count: who asks for memory, and how often. Preloaded (LD_PRELOAD), it counts the calls of malloc,
 * calloc, realloc and those of the C library that only pass one on, by the file that holds the caller, and
 * writes them to the file $ALLOC_COUNT, which it makes, when the program ends: a line `program` and its
 * calls, then one for each library that called. What the C library wants for itself stands under its own
 * name.
 *
 * Whether something is asked for with every card shows in the difference between two runs of which one has
 * more cards. Beside the allocator of a sanitizer it is of no use. */
#define _GNU_SOURCE /* dl_iterate_phdr */
#include <errno.h>
#include <inttypes.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODULES = 128 };

struct module {
    uintptr_t from, to;
    const char *path; /* the loader's; "" is the program */
    atomic_long calls;
};

static struct module modules[MODULES];
static int module_count;
static atomic_long before; /* calls of libraries that begin before this one, or come later */

/* glibc's allocator under its other names: to look the usual ones up would ask for memory. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static int add_module(struct dl_phdr_info *info, size_t size, void *userp)
{
    struct module *module = &modules[module_count];

    (void)size;
    (void)userp;
    if (module_count == MODULES)
        return 1;
    module->from = UINTPTR_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t at = info->dlpi_addr + part->p_vaddr;
        if (part->p_type != PT_LOAD)
            continue;
        module->from = at < module->from ? at : module->from;
        module->to = at + part->p_memsz > module->to ? at + part->p_memsz : module->to;
    }
    module->path = info->dlpi_name;
    module_count++;
    return 0;
}

static __attribute__((constructor)) void begin(void)
{
    (void)dl_iterate_phdr(add_module, NULL); /* the program comes first */
}

static void count(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;

    for (int i = 0; i < module_count; i++) {
        if (at >= modules[i].from && at < modules[i].to) {
            atomic_fetch_add_explicit(&modules[i].calls, 1, memory_order_relaxed);
            return;
        }
    }
    atomic_fetch_add_explicit(&before, 1, memory_order_relaxed);
}

#define COUNT() count(__builtin_return_address(0))

void *malloc(size_t size)
{
    COUNT();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    COUNT();
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
    COUNT();
    return __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t number, size_t size)
{
    size_t all;

    COUNT();
    if (__builtin_mul_overflow(number, size, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(old, all);
}

static char *copy(const char *text, size_t len)
{
    char *out = __libc_malloc(len + 1);

    if (!out)
        return NULL;
    memcpy(out, text, len);
    out[len] = '\0';
    return out;
}

char *strdup(const char *text)
{
    COUNT();
    return copy(text, strlen(text));
}

char *strndup(const char *text, size_t most)
{
    COUNT();
    return copy(text, strnlen(text, most));
}

static __attribute__((destructor)) void tell(void)
{
    const char *path = getenv("ALLOC_COUNT"), *name;
    FILE *file = path ? fopen(path, "wx") : NULL;

    if (!file)
        return;
    for (int i = 0; i < module_count; i++) {
        name = strrchr(modules[i].path, '/');
        if (i == 0 || modules[i].calls > 0)
            (void)fprintf(file, "%s\t%ld\n",
                          i == 0 ? "program"
                          : name ? name + 1
                                 : modules[i].path,
                          modules[i].calls);
    }
    (void)fprintf(file, "unknown\t%ld\n", before);
    (void)fclose(file); /* a figure that is missing is seen by who reads it */
}
