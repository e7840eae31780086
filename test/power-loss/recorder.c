/*
 * Writes down what a process does to the files below POWER_LOSS_ROOT, loaded into it by LD_PRELOAD:
 * each write with its bytes, each fsync, each name made or deleted, in the order in which they
 * happened, to the file POWER_LOSS_JOURNAL (journal.ts reads it). What the process writes to the
 * file POWER_LOSS_NOTES comes between them as a note. One lock around each call keeps the order
 * true for several threads. fsync does not wait for the disk: that is what is being simulated.
 *
 * SQLite's shared memory (-shm) is left out: nothing of it is to survive. A call that is not
 * modelled here ends the process, so that no write can go by unseen.
 *
 * POWER_LOSS_FAILURES names a file: as many bytes as it has, so many of the next fsyncs of files
 * fail with EIO, and take a byte each. What such a disk holds is disk.ts's to say.
 *
 * Several processes may write to one journal, one after the other: numbers of files are never used
 * twice.
 *
 * POWER_LOSS_LIES makes the disk a liar, for the test of the test: with `directories` an fsync of a
 * directory is not written down, with `files` none of a file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 4096
#define NAMES 1024
#define PATH_BYTES 1024
#define NOTES UINT32_MAX

struct head {
  uint32_t kind;
  uint32_t file;
  uint64_t at;
  uint32_t length;
  uint32_t unused;
};

struct name {
  char path[PATH_BYTES];
  uint32_t file;
  int is_directory;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static size_t root_length;
static char root[PATH_BYTES];
static const char *notes_path, *failures_path;
static int directories_lie, files_lie;
/* What each open descriptor is: 0 nothing of ours, else a file's number, or NOTES. */
static uint32_t file_of[FDS];
/* Names as they are now; file 0: a free place. */
static struct name names[NAMES];
static uint32_t last_file;

#define REAL(type, name, ...)                                        \
  static type (*real)(__VA_ARGS__);                                  \
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, name)

static void die(const char *what, const char *about) {
  fprintf(stderr, "the recorder of writes does not know %s of %s\n", what, about);
  abort();
}

static int real_open(const char *path, int flags, mode_t mode) {
  REAL(int, "open64", const char *, int, ...);
  return real(path, flags, mode);
}

static ssize_t real_writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, "writev", int, const struct iovec *, int);
  return real(fd, parts, count);
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("POWER_LOSS_ROOT"), *file = getenv("POWER_LOSS_JOURNAL");
  const char *lies = getenv("POWER_LOSS_LIES");
  if (path == NULL || file == NULL) return;
  root_length = (size_t)snprintf(root, sizeof root, "%s/", path);
  notes_path = getenv("POWER_LOSS_NOTES");
  failures_path = getenv("POWER_LOSS_FAILURES");
  last_file = ((uint32_t)getpid() & 0x7ffff) << 12;
  directories_lie = lies != NULL && strcmp(lies, "directories") == 0;
  files_lie = lies != NULL && strcmp(lies, "files") == 0;
  journal = real_open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (journal < 0) die("the journal", file);
}

/* The path below the root ("": the root itself), or NULL where it is not our business. */
static const char *below(const char *path) {
  if (journal < 0 || path == NULL) return NULL;
  size_t length = strlen(path);
  if (length == root_length - 1 && strncmp(path, root, length) == 0) return path + length;
  if (strncmp(path, root, root_length) != 0) return NULL;
  if (length >= PATH_BYTES) die("so long a path", path);
  if (length >= 4 && strcmp(path + length - 4, "-shm") == 0) return NULL;
  return path + root_length;
}

static uint32_t tracked(int fd) { return fd >= 0 && fd < FDS ? file_of[fd] : 0; }

static void put(char kind, uint32_t file, uint64_t at, const void *bytes, size_t length) {
  struct head head = {(uint32_t)kind, file, at, (uint32_t)length, 0};
  struct iovec parts[] = {{&head, sizeof head}, {(void *)bytes, length}};
  if (real_writev(journal, parts, 2) != (ssize_t)(sizeof head + length)) die("the end", "its disk");
}

static struct name *find(const char *path) {
  for (int i = 0; i < NAMES; i++) {
    if (names[i].file != 0 && strcmp(names[i].path, path) == 0) return &names[i];
  }
  return NULL;
}

static struct name *add(const char *path, int is_directory) {
  for (int i = 0; i < NAMES; i++) {
    if (names[i].file != 0) continue;
    strcpy(names[i].path, path);
    names[i].file = ++last_file;
    names[i].is_directory = is_directory;
    return &names[i];
  }
  die("so many files", path);
  return NULL;
}

static int opened(const char *path, int flags, mode_t mode) {
  if (journal >= 0 && notes_path != NULL && strcmp(path, notes_path) == 0) {
    int fd = real_open(path, flags, mode);
    if (fd >= 0 && fd < FDS) file_of[fd] = NOTES;
    return fd;
  }
  const char *own = below(path);
  if (own == NULL) {
    int fd = real_open(path, flags, mode);
    if (fd >= 0 && fd < FDS) file_of[fd] = 0; /* libuv closes past us */
    return fd;
  }
  pthread_mutex_lock(&lock);
  int existed = access(path, F_OK) == 0;
  int fd = real_open(path, flags, mode);
  if (fd >= FDS) die("so many descriptors", path);
  if (fd >= 0) {
    struct stat info;
    fstat(fd, &info);
    struct name *name = find(own);
    if (name == NULL) {
      name = add(own, S_ISDIR(info.st_mode));
      if (!name->is_directory) put(existed ? 'o' : 'c', name->file, 0, own, strlen(own));
    }
    file_of[fd] = name->file;
    if ((flags & O_TRUNC) != 0 && existed) put('t', name->file, 0, NULL, 0);
  }
  pthread_mutex_unlock(&lock);
  return fd;
}

static mode_t mode_in(int flags, va_list rest) {
  return (flags & O_CREAT) != 0 ? (mode_t)va_arg(rest, int) : 0;
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_in(flags, rest);
  va_end(rest);
  return opened(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_in(flags, rest);
  va_end(rest);
  return opened(path, flags, mode);
}

int close(int fd) {
  REAL(int, "close", int);
  if (tracked(fd) == 0) return real(fd);
  pthread_mutex_lock(&lock);
  file_of[fd] = 0;
  int result = real(fd);
  pthread_mutex_unlock(&lock);
  return result;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  uint32_t file = tracked(fd);
  if (file == 0) return real(fd, bytes, length, at);
  pthread_mutex_lock(&lock);
  ssize_t written = real(fd, bytes, length, at);
  if (written > 0) put('w', file, (uint64_t)at, bytes, (size_t)written);
  pthread_mutex_unlock(&lock);
  return written;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  REAL(ssize_t, "write", int, const void *, size_t);
  uint32_t file = tracked(fd);
  if (file == 0) return real(fd, bytes, length);
  pthread_mutex_lock(&lock);
  ssize_t written = real(fd, bytes, length);
  if (file == NOTES) put('n', 0, 0, bytes, length);
  else if (written > 0) {
    uint64_t end = (uint64_t)lseek64(fd, 0, SEEK_CUR);
    put('w', file, end - (uint64_t)written, bytes, (size_t)written);
  }
  pthread_mutex_unlock(&lock);
  return written;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (tracked(fd) != 0) die("writev", "a file");
  return real_writev(fd, parts, count);
}

int ftruncate64(int fd, off64_t size) {
  REAL(int, "ftruncate64", int, off64_t);
  uint32_t file = tracked(fd);
  if (file == 0) return real(fd, size);
  pthread_mutex_lock(&lock);
  int result = real(fd, size);
  if (result == 0) put('t', file, (uint64_t)size, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

/* Takes a byte from the file that counts the failures to come. */
static int fails(void) {
  REAL(int, "ftruncate64", int, off64_t);
  int fd = failures_path == NULL ? -1 : real_open(failures_path, O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) return 0;
  off64_t left = lseek64(fd, 0, SEEK_END);
  if (left > 0) real(fd, left - 1);
  syscall(SYS_close, fd);
  return left > 0;
}

static int synced(uint32_t file) {
  int result = 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < NAMES; i++) {
    struct name *name = &names[i];
    if (name->file != file) continue;
    if (name->is_directory && !directories_lie)
      put('d', 0, 0, name->path, strlen(name->path));
    if (name->is_directory) goto done;
  }
  /* A file without a name may be synced as well. */
  if (fails()) {
    put('x', file, 0, NULL, 0);
    result = -1;
  } else if (!files_lie) {
    put('f', file, 0, NULL, 0);
  }
done:
  pthread_mutex_unlock(&lock);
  if (result < 0) errno = EIO;
  return result;
}

int fsync(int fd) {
  REAL(int, "fsync", int);
  uint32_t file = tracked(fd);
  return file == 0 ? real(fd) : synced(file);
}

int fdatasync(int fd) {
  REAL(int, "fdatasync", int);
  uint32_t file = tracked(fd);
  return file == 0 ? real(fd) : synced(file);
}

int unlink(const char *path) {
  REAL(int, "unlink", const char *);
  const char *own = below(path);
  if (own == NULL) return real(path);
  pthread_mutex_lock(&lock);
  int result = real(path);
  if (result == 0) {
    struct name *name = find(own);
    if (name != NULL) name->file = 0;
    put('u', 0, 0, own, strlen(own));
  }
  pthread_mutex_unlock(&lock);
  return result;
}

int mkdir(const char *path, mode_t mode) {
  REAL(int, "mkdir", const char *, mode_t);
  const char *own = below(path);
  if (own == NULL) return real(path, mode);
  pthread_mutex_lock(&lock);
  int result = real(path, mode);
  if (result == 0) put('m', 0, 0, own, strlen(own));
  pthread_mutex_unlock(&lock);
  return result;
}

void *mmap64(void *place, size_t length, int protection, int flags, int fd, off64_t at) {
  REAL(void *, "mmap64", void *, size_t, int, int, int, off64_t);
  int writes = (flags & MAP_SHARED) != 0 && (protection & PROT_WRITE) != 0;
  if (writes && fd >= 0 && tracked(fd) != 0) die("a writing mmap", "a file");
  return real(place, length, protection, flags, fd, at);
}

/* What the log does not do today. */
int openat(int directory, const char *path, int flags, ...) {
  REAL(int, "openat", int, const char *, int, ...);
  if (below(path) != NULL) die("openat", path);
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_in(flags, rest);
  va_end(rest);
  return real(directory, path, flags, mode);
}

FILE *fopen64(const char *path, const char *mode) {
  REAL(FILE *, "fopen64", const char *, const char *);
  if (below(path) != NULL) die("fopen", path);
  return real(path, mode);
}

int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *);
  if (below(from) != NULL || below(to) != NULL) die("rename", from);
  return real(from, to);
}

int link(const char *from, const char *to) {
  REAL(int, "link", const char *, const char *);
  if (below(to) != NULL) die("link", to);
  return real(from, to);
}

int symlink(const char *from, const char *to) {
  REAL(int, "symlink", const char *, const char *);
  if (below(to) != NULL) die("symlink", to);
  return real(from, to);
}

int rmdir(const char *path) {
  REAL(int, "rmdir", const char *);
  if (below(path) != NULL) die("rmdir", path);
  return real(path);
}

int unlinkat(int directory, const char *path, int flags) {
  REAL(int, "unlinkat", int, const char *, int);
  if (below(path) != NULL) die("unlinkat", path);
  return real(directory, path, flags);
}

int truncate(const char *path, off_t size) {
  REAL(int, "truncate", const char *, off_t);
  if (below(path) != NULL) die("truncate", path);
  return real(path, size);
}

int dup(int fd) {
  REAL(int, "dup", int);
  if (tracked(fd) != 0) die("dup", "a file");
  return real(fd);
}
