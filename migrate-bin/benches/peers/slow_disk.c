/* A disk whose flush takes its time: fsync and fdatasync of the write-ahead log wait for SLOW_DISK_US microseconds. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int flush(const char *name, int fd)
{
    char link[32], path[4096];
    const char *slow = getenv("SLOW_DISK_US");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    if (slow && strstr(path, "pg_wal")) usleep(atoi(slow));
    return ((int (*)(int)) dlsym(RTLD_NEXT, name))(fd);
}

int fsync(int fd) { return flush("fsync", fd); }
int fdatasync(int fd) { return flush("fdatasync", fd); }
