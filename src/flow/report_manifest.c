/* SHA256SUMS, in the form of sha256sum: written last, so a set that agrees with it is whole. */
#include "report_impl.h"

#include "driver/digest.h"

static int add_digest(const struct report_options *options, const char *name, struct buf *out,
                      struct fail *fail)
{
    char digest[DIGEST_TEXT_SIZE];
    int rc = digest_named(options->folder, name, digest, fail);

    if (rc == 0)
        buf_addf(out, "%s  %s\n", digest, name);
    return rc < 0 ? -1 : 0;
}

/* Rejects files that an earlier report wrote and this one could not write again are part of the set. */
static int add_rejects(const struct report_options *options, bool customers, struct buf *out,
                       struct fail *fail)
{
    struct buf name = {.cap = 64};
    int rc = 0;

    for (size_t i = 1; i <= REJECTS_MOST && rc == 0; i++) {
        buf_reset(&name);
        report_rejects_name(customers, i, &name);
        rc = add_digest(options, buf_text(&name), out, fail);
    }
    buf_free(&name);
    return rc;
}

int report_manifest(const struct report_options *options, struct fail *fail)
{
    struct buf out = {.cap = 1 << 16};
    struct outfile *file;
    int rc = -1;

    if (add_rejects(options, false, &out, fail) == 0 && add_rejects(options, true, &out, fail) == 0 &&
        add_digest(options, "report.html", &out, fail) == 0 &&
        add_digest(options, "results.csv", &out, fail) == 0 &&
        add_digest(options, "summary.json", &out, fail) == 0 &&
        outfile_open(&file, options->folder, "SHA256SUMS", fail) == 0) {
        outfile_add(file, buf_span(&out));
        rc = outfile_commit(file, fail);
    }
    buf_free(&out);
    return rc;
}
