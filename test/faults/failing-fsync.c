/*
 * A disk whose fsync fails: loaded into a process by LD_PRELOAD. While the file named by FAIL_FSYNC
 * exists, fsync and fdatasync answer EIO and add a byte to it, so that the failures can be counted.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int fails(void) {
  const char *flag = getenv("FAIL_FSYNC");
  int file = flag == NULL ? -1 : open(flag, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file < 0) return 0;
  (void)!write(file, "x", 1);
  close(file);
  return 1;
}

static int sync_by(const char *name, int file) {
  if (fails()) {
    errno = EIO;
    return -1;
  }
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  return real(file);
}

int fsync(int file) { return sync_by("fsync", file); }

int fdatasync(int file) { return sync_by("fdatasync", file); }
