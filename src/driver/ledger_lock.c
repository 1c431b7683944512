/* The lock is a file beside the ledger held with flock(2): the kernel frees it when the process dies, however
 * it dies. It is a file of its own because closing any descriptor of the database file would drop the POSIX
 * locks that SQLite holds on it. Its name comes from the ledger's real path, so that a symbolic link leads to
 * the same lock; a ledger with several hard links is refused.
 *
 * Its first line says who holds it, a second one which run that is ("run 0": none), from before that run is
 * on record. So whoever reads a run without an end can tell one at work from one that was killed, also while
 * a purge holds the lock. To look is to take a shared lock for a moment; no run fails for a moment's looker.
 */
#include "driver/ledger_read.h"

#include "ledger_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NAME_CAP = 8192, LOOKER_MS = 1, LOOKERS_MOST = 5000 };

static const char RUN_LINE[] = "run ";

/* The file's lines: who holds the lock, and its run, 0: none, -1: that cannot be read, or is not said, as by
 * a version that wrote one line only. */
static int64_t read_holder(int fd, char who[LEDGER_HOLDER_SIZE])
{
    char text[LEDGER_HOLDER_SIZE + 64];
    ssize_t got = pread(fd, text, sizeof text, 0);
    struct span rest = {text, got > 0 ? (size_t)got : 0}, holder, run = {"", 0};
    const size_t begins = sizeof RUN_LINE - 1;
    int64_t id;

    (void)span_cut(&rest, '\n', &holder);
    if (rest.ptr)
        (void)span_cut(&rest, '\n', &run);
    if (holder.len >= LEDGER_HOLDER_SIZE)
        holder.len = 0;
    memcpy(who, holder.ptr, holder.len);
    who[holder.len] = '\0';
    if (run.len <= begins || memcmp(run.ptr, RUN_LINE, begins) != 0)
        return -1;
    run = (struct span){run.ptr + begins, run.len - begins};
    return span_to_id(run, &id) == 0 ? id : span_is(run, "0") ? 0 : -1;
}

/* `error` is take_lock's. What the file says is of whoever took the lock last, so it is the holder's word
 * only while the lock is held. */
static int say_refusal(int fd, int error, const char *path, struct fail *fail)
{
    char who[LEDGER_HOLDER_SIZE];

    if (error == EBUSY)
        return fail_set(fail, FAIL_BUSY,
                        "%s: no run holds this ledger, but another process keeps its lock shared, such as a "
                        "status that was stopped while it looked; try again when it has ended",
                        path);
    if (error != EWOULDBLOCK)
        return fail_set(fail, FAIL_LEDGER, "%s.lock: cannot lock: %s", path, strerror(error));
    (void)read_holder(fd, who);
    return fail_set(fail, FAIL_BUSY, "%s: another run holds this ledger (%s); try again when it has ended",
                    path, who[0] ? who : "it has not said who it is");
}

/* `run` 0: none has begun. */
static int write_holder(int fd, int64_t run)
{
    char host[64] = "";
    struct buf who;
    ssize_t done;

    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    buf_init(&who, 256);
    buf_addf(&who, "process %ld on %s\n%s%" PRId64 "\n", (long)getpid(), host[0] ? host : "this host",
             RUN_LINE, run);
    done = pwrite(fd, who.ptr, who.len, 0); /* over what was there: whoever looks meanwhile finds two lines */
    if (done >= 0 && ftruncate(fd, (off_t)who.len) != 0)
        done = -1;
    buf_free(&who);
    return done < 0 ? -1 : 0;
}

static void lock_name(const char *path, struct buf *name)
{
    buf_init(name, NAME_CAP);
    buf_addf(name, "%s.lock", path);
}

/* -1 with errno: EWOULDBLOCK, somebody holds it alone. Where a shared lock can be had, those who hold it are
 * looking, and are gone at once; EBUSY when they stay. */
static int take_lock(int fd)
{
    static const struct timespec moment = {.tv_nsec = LOOKER_MS * 1000000L};

    for (int i = 0; i < LOOKERS_MOST; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK || flock(fd, LOCK_SH | LOCK_NB) != 0)
            return -1;
        (void)flock(fd, LOCK_UN);       /* of a descriptor that is open it can only succeed */
        (void)nanosleep(&moment, NULL); /* a signal shortens it, which does no harm */
    }
    errno = EBUSY;
    return -1;
}

static int open_lock(struct ledger *ledger, const char *name, struct fail *fail)
{
    ledger->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (ledger->lock_fd < 0)
        return fail_set(fail, FAIL_LEDGER, "%s: cannot open the lock file: %s", name, strerror(errno));
    if (take_lock(ledger->lock_fd) != 0)
        return say_refusal(ledger->lock_fd, errno, ledger->path, fail);
    if (write_holder(ledger->lock_fd, 0) != 0)
        return fail_set(fail, FAIL_LEDGER, "%s: cannot write the lock file: %s", name, strerror(errno));
    return 0;
}

int ledger_lock_run(const struct ledger *ledger, int64_t run, struct fail *fail)
{
    if (ledger->lock_fd >= 0 && write_holder(ledger->lock_fd, run) != 0)
        return fail_set(fail, FAIL_LEDGER, "%s.lock: cannot write the lock file: %s", ledger->path,
                        strerror(errno));
    return 0;
}

static int64_t look_at(const char *path, char who[LEDGER_HOLDER_SIZE])
{
    struct buf name;
    int64_t run = 0;
    int fd;

    lock_name(path, &name);
    fd = open(buf_text(&name), O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* it may be anything, a pipe too */
    buf_free(&name);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0)
        run = errno == EWOULDBLOCK ? read_holder(fd, who) : -1;
    (void)close(fd); /* and with it what may have been locked */
    return run;
}

int64_t ledger_lock_look(const struct ledger *ledger, char who[LEDGER_HOLDER_SIZE])
{
    char *real = ledger->path ? realpath(ledger->path, NULL) : NULL;
    int64_t run = ledger->run;

    who[0] = '\0';
    if (real && ledger->lock_fd < 0)
        run = look_at(real, who);
    free(real);
    return run;
}

int ledger_lock(struct ledger *ledger, struct fail *fail)
{
    char *real = realpath(ledger->path, NULL);
    struct stat info;
    struct buf name;
    int rc;

    if (!real || stat(real, &info) != 0) {
        free(real);
        return fail_set(fail, FAIL_LEDGER, "%s: cannot find the ledger: %s", ledger->path, strerror(errno));
    }
    free(ledger->path);
    ledger->path = real;
    ledger->device = info.st_dev;
    ledger->inode = info.st_ino;
    if (info.st_nlink > 1)
        return fail_set(fail, FAIL_LEDGER,
                        "%s: the ledger has %lu names (hard links), and a lock for each; leave it one", real,
                        (unsigned long)info.st_nlink);
    lock_name(ledger->path, &name);
    rc = open_lock(ledger, buf_text(&name), fail);
    buf_free(&name);
    return rc;
}

int ledger_hold(struct ledger *ledger, struct fail *fail)
{
    if (ledger->lock_fd >= 0 || ledger_lock(ledger, fail) == 0)
        return 0;
    if (ledger->lock_fd >= 0)
        (void)close(ledger->lock_fd); /* the lock was not had */
    ledger->lock_fd = -1;
    return -1;
}

static bool same_file(const char *path, dev_t device, ino_t inode)
{
    struct stat info;

    return stat(path, &info) == 0 && info.st_dev == device && info.st_ino == inode;
}

int ledger_lock_check(const struct ledger *ledger, struct fail *fail)
{
    struct stat held;
    struct buf name;
    bool same;

    if (ledger->lock_fd < 0)
        return 0;
    lock_name(ledger->path, &name);
    same = fstat(ledger->lock_fd, &held) == 0 && same_file(buf_text(&name), held.st_dev, held.st_ino) &&
           same_file(ledger->path, ledger->device, ledger->inode);
    buf_free(&name);
    if (same)
        return 0;
    return fail_set(
        fail, FAIL_LEDGER,
        "%s: the ledger or its lock file was removed or replaced during the run; what is on record up to "
        "now stands in the file that was removed",
        ledger->path);
}
