/* Preloaded into a crawl: notes each write, sync and change of names below one folder, in the order they were made.
 *
 * A note is one line of text and, behind a write, its bytes. Each goes out in one write to a file that is only appended to,
 * so that notes of several threads and processes never mix.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int notes = -1;
static char root[PATH_MAX];
static size_t root_length;

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("DISK_FOLDER"), *path = getenv("DISK_NOTES");
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    if (!folder || !path) return;
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    notes = real(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

/* The path that an open file has now, if it lies below the folder. */
static const char *named(int file, char *buffer) {
    char link[64];
    if (notes < 0 || file == notes) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, buffer, PATH_MAX - 1);
    if (length < 0) return NULL;
    buffer[length] = 0;
    return strncmp(buffer, root, root_length) ? NULL : buffer;
}

/* The path itself, if it lies below the folder: the crawl is given whole paths. */
static const char *below(const char *path, char *buffer) {
    if (notes < 0 || path[0] != '/' || strlen(path) >= PATH_MAX) return NULL;
    strcpy(buffer, path);
    return strncmp(buffer, root, root_length) ? NULL : buffer;
}

static void note(const char *what, long at, const char *name, const char *other, const void *data, size_t size) {
    char line[2 * PATH_MAX + 64];
    int kept = errno;
    int length = snprintf(line, sizeof line, "%s\t%ld\t%zu\t%s\t%s\n", what, at, size, name, other);
    struct iovec parts[2] = {{line, (size_t)length}, {(void *)data, size}};
    if (writev(notes, parts, size ? 2 : 1) < 0) _exit(99);
    errno = kept;
}

#define REAL(type, name, ...)                                 \
    static type (*real)(__VA_ARGS__);                         \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

ssize_t write(int file, const void *data, size_t size) {
    char path[PATH_MAX];
    REAL(ssize_t, write, int, const void *, size_t);
    ssize_t done = real(file, data, size);
    if (done > 0 && named(file, path)) note("write", (long)lseek(file, 0, SEEK_CUR) - done, path, "", data, (size_t)done);
    return done;
}

static void note_at(int file, const void *data, ssize_t done, long at) {
    char path[PATH_MAX];
    if (done > 0 && named(file, path)) note("write", at, path, "", data, (size_t)done);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    ssize_t done = real(file, data, size, at);
    note_at(file, data, done, (long)at);
    return done;
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    ssize_t done = real(file, data, size, at);
    note_at(file, data, done, (long)at);
    return done;
}

#define ON_FILE(name, what)                                   \
    int name(int file) {                                      \
        char path[PATH_MAX];                                  \
        REAL(int, name, int);                                 \
        int failed = real(file);                              \
        if (!failed && named(file, path)) note(what, 0, path, "", NULL, 0); \
        return failed;                                        \
    }
ON_FILE(fsync, "sync")
ON_FILE(fdatasync, "sync")

#define CUT(name, type)                                       \
    int name(int file, type length) {                         \
        char path[PATH_MAX];                                  \
        REAL(int, name, int, type);                           \
        int failed = real(file, length);                      \
        if (!failed && named(file, path)) note("cut", (long)length, path, "", NULL, 0); \
        return failed;                                        \
    }
CUT(ftruncate, off_t)
CUT(ftruncate64, off64_t)

static void note_open(const char *path, int flags, int existed, int file) {
    char whole[PATH_MAX];
    if (file < 0 || !(flags & (O_CREAT | O_TRUNC)) || !below(path, whole)) return;
    if (!existed) note("make", 0, whole, "", NULL, 0);
    else if (flags & O_TRUNC) note("cut", 0, whole, "", NULL, 0);
}

#define OPEN(name)                                            \
    int name(const char *path, int flags, ...) {              \
        mode_t mode = 0;                                      \
        REAL(int, name, const char *, int, ...);              \
        if (flags & O_CREAT) {                                \
            va_list rest;                                     \
            va_start(rest, flags);                            \
            mode = va_arg(rest, mode_t);                      \
            va_end(rest);                                     \
        }                                                     \
        int existed = flags & O_CREAT ? !access(path, F_OK) : 1; \
        int file = real(path, flags, mode);                   \
        note_open(path, flags, existed, file);                \
        return file;                                          \
    }
OPEN(open)
OPEN(open64)

int openat(int folder, const char *path, int flags, ...) {
    mode_t mode = 0;
    REAL(int, openat, int, const char *, int, ...);
    if (flags & O_CREAT) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    int existed = flags & O_CREAT ? !faccessat(folder, path, F_OK, 0) : 1;
    int file = real(folder, path, flags, mode);
    if (folder == AT_FDCWD || path[0] == '/') note_open(path, flags, existed, file);
    else if (!existed) { char whole[PATH_MAX]; if (file >= 0 && named(file, whole)) note("make", 0, whole, "", NULL, 0); }
    return file;
}

int rename(const char *from, const char *to) {
    char old[PATH_MAX], new[PATH_MAX];
    REAL(int, rename, const char *, const char *);
    int failed = real(from, to);
    if (!failed && below(from, old) && below(to, new)) note("rename", 0, old, new, NULL, 0);
    return failed;
}

int renameat(int a, const char *from, int b, const char *to) {
    REAL(int, renameat, int, const char *, int, const char *);
    char old[PATH_MAX], new[PATH_MAX];
    int failed = real(a, from, b, to);
    if (!failed && below(from, old) && below(to, new)) note("rename", 0, old, new, NULL, 0);
    return failed;
}

int unlink(const char *path) {
    char whole[PATH_MAX];
    REAL(int, unlink, const char *);
    int failed = real(path);
    if (!failed && below(path, whole)) note("unlink", 0, whole, "", NULL, 0);
    return failed;
}

int unlinkat(int folder, const char *path, int flags) {
    char whole[PATH_MAX];
    REAL(int, unlinkat, int, const char *, int);
    int failed = real(folder, path, flags);
    if (!failed && (folder == AT_FDCWD || path[0] == '/') && below(path, whole)) note("unlink", 0, whole, "", NULL, 0);
    return failed;
}

int mkdir(const char *path, mode_t mode) {
    char whole[PATH_MAX];
    REAL(int, mkdir, const char *, mode_t);
    int failed = real(path, mode);
    if (!failed && below(path, whole)) note("mkdir", 0, whole, "", NULL, 0);
    return failed;
}
