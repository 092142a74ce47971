// SPDX-License-Identifier: Apache-2.0
//
// One trick per run: tricks NAME. Ends with 0 when the trick was done. `nothing` is what the copies of this program do.
#include "trick.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void must(int done, const char *what) {
  if (done) return;
  perror(what);
  exit(1);
}

int open_or_die(const char *path, int flags) {
  int fd = open(path, flags | O_CLOEXEC, 0755);
  must(fd >= 0, path);
  return fd;
}

void write_file(const char *path, const char *text) {
  int fd = open_or_die(path, O_WRONLY | O_CREAT);
  must(write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
  close(fd);
}

void make_folder(const char *path) { must(mkdir(path, 0755) == 0 || errno == EEXIST, path); }

static void copy_file(const char *path, int to) {
  int from = open_or_die(path, O_RDONLY);
  struct stat file;
  must(fstat(from, &file) == 0, path);
  must(sendfile(to, from, NULL, (size_t)file.st_size) == file.st_size, path);
  close(from);
}

void copy(int to) { copy_file(SELF, to); }

void copy_to(const char *path) {
  int to = open_or_die(path, O_WRONLY | O_CREAT | O_TRUNC);
  copy(to);
  close(to);
}

void append(int fd) { must(lseek(fd, 0, SEEK_END) > 0 && write(fd, "\n", 1) == 1, "append"); }

void alter_file(const char *from, const char *path) {
  int to = open_or_die(path, O_WRONLY | O_CREAT | O_TRUNC);
  copy_file(from, to);
  append(to);
  close(to);
}

void alter(const char *path) { alter_file(SELF, path); }

void wait_for(pid_t child) {
  int status;
  must(child > 0, "fork");
  must(waitpid(child, &status, 0) == child, "wait");
  if (status != 0) exit(1);
}

void run_with(char *const argv[], char *const environment[]) {
  pid_t child = fork();
  if (child == 0) {
    execve(argv[0], argv, environment);
    perror(argv[0]);
    _exit(1);
  }
  wait_for(child);
}

void run(const char *path) {
  char program[PAGE], argument[] = "nothing";
  must((size_t)snprintf(program, sizeof program, "%s", path) < sizeof program, path);
  run_with((char *[]){program, argument, NULL}, (char *[]){NULL});
}

void *map(int fd, int protection) {
  void *memory = mmap(NULL, PAGE, protection, MAP_PRIVATE, fd, 0);
  must(memory != MAP_FAILED, "mmap");
  return memory;
}

void map_executable(const char *path, int flags) {
  map(open_or_die(path, O_RDONLY | flags), PROT_READ | PROT_EXEC);
}

void own_mounts(void) {
  must(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0, "unshare");
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", "0 0 1");
  write_file("/proc/self/gid_map", "0 0 1");
  make_folder("/mnt");
  must(mount("tmpfs", "/mnt", "tmpfs", 0, NULL) == 0, "mount tmpfs");
}

static void nothing(void) {}

static const struct trick plain[] = {{"nothing", nothing}, {NULL, NULL}};

int main(int argc, char **argv) {
  const struct trick *themes[] = {plain,       disguise_tricks, list_tricks, mapping_tricks,
                                  name_tricks, root_tricks,     task_tricks, neighbour_parts, served_tricks};
  for (size_t i = 0; argc > 1 && i < sizeof themes / sizeof *themes; i++) {
    for (const struct trick *trick = themes[i]; trick->name != NULL; trick++) {
      if (strcmp(argv[1], trick->name) != 0) continue;
      trick->play();
      return 0;
    }
  }
  fprintf(stderr, "usage: tricks NAME\n");
  return 2;
}
