/* The lock is a file beside the ledger held with flock(2): the kernel frees it when the process dies, however
 * it dies. It is a file of its own because closing any descriptor of the database file would drop the POSIX
 * locks that SQLite holds on it. Its name comes from the ledger's real path, so that a symbolic link leads to
 * the same lock; a ledger with several hard links is refused. */
#include "ledger_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_CAP = 8192 };

static int say_holder(int fd, const char *path, struct fail *fail)
{
    char who[256];
    ssize_t got = pread(fd, who, sizeof who - 1, 0);

    who[got > 0 ? got : 0] = '\0';
    who[strcspn(who, "\n")] = '\0';
    return fail_set(fail, FAIL_BUSY, "%s: another run holds this ledger (%s); try again when it has ended",
                    path, who[0] ? who : "it has not said who it is");
}

static int write_holder(int fd)
{
    char host[64] = "";
    struct buf who;
    ssize_t done;

    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    buf_init(&who, 256);
    buf_addf(&who, "process %ld on %s\n", (long)getpid(), host[0] ? host : "this host");
    done = ftruncate(fd, 0) == 0 ? pwrite(fd, who.ptr, who.len, 0) : -1;
    buf_free(&who);
    return done < 0 ? -1 : 0;
}

static void lock_name(const struct ledger *ledger, struct buf *name)
{
    buf_init(name, NAME_CAP);
    buf_addf(name, "%s.lock", ledger->path);
}

static int open_lock(struct ledger *ledger, const char *name, struct fail *fail)
{
    ledger->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (ledger->lock_fd < 0)
        return fail_set(fail, FAIL_LEDGER, "%s: cannot open the lock file: %s", name, strerror(errno));
    if (flock(ledger->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? say_holder(ledger->lock_fd, ledger->path, fail)
                   : fail_set(fail, FAIL_LEDGER, "%s: cannot lock: %s", name, strerror(errno));
    if (write_holder(ledger->lock_fd) != 0)
        return fail_set(fail, FAIL_LEDGER, "%s: cannot write the lock file: %s", name, strerror(errno));
    return 0;
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
    lock_name(ledger, &name);
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
    lock_name(ledger, &name);
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
