// SPDX-License-Identifier: Apache-2.0
//
// What an exec costs: forks, executes and waits, COUNT times, and prints the nanoseconds of one.
//
//   exec-loop COUNT PREFIX PATHS
//
// Executes PREFIX0, PREFIX1, ... PREFIX(PATHS - 1) in turn. Everything is executed once before the clock starts, unless
// COUNT is PATHS: then each path is new to whoever watches.

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void execute(const char *prefix, int number) {
  char path[256];
  snprintf(path, sizeof path, "%s%d", prefix, number);
  pid_t child = fork();
  if (child == 0) {
    char *argv[] = {path, NULL};
    execv(path, argv);
    _exit(127);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    fprintf(stderr, "%s did not run\n", path);
    exit(1);
  }
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int count = atoi(argv[1]), paths = atoi(argv[3]);
  if (count < 1 || paths < 1) return 2;
  if (count > paths) {
    for (int number = 0; number < paths; number++) execute(argv[2], number);
  }
  long long start = now();
  for (int run = 0; run < count; run++) execute(argv[2], run % paths);
  printf("%lld\n", (now() - start) / count);
  return 0;
}
