// SPDX-License-Identifier: Apache-2.0
//
// Runs a program again and again and prints the median time from its start to its end, in nanoseconds:
//
//   spawn-loop COUNT INPUT PROGRAM [ARGUMENT]... WORD [WORD2]
//
// INPUT is the file that the program reads on standard input. The last argument alternates between WORD and WORD2, for
// programs that undo what they did. Ends with 1 when a run ends with anything but 0.

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int compare(const void *a, const void *b) {
  long long left = *(const long long *)a, right = *(const long long *)b;
  return (left > right) - (left < right);
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  int count = atoi(argv[1]);
  char **words = argv + argc - 2;
  char *alternating[2] = {words[0], words[1]};
  words[1] = NULL;
  long long *costs = calloc((size_t)count, sizeof *costs);
  if (count < 1 || costs == NULL) return 2;

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, argv[2], O_RDONLY, 0);
  for (int run = 0; run < count; run++) {
    words[0] = alternating[run % 2];
    pid_t child;
    int status;
    long long start = now();
    if (posix_spawn(&child, argv[3], &actions, NULL, argv + 3, environ) != 0) return 1;
    if (waitpid(child, &status, 0) != child) return 1;
    costs[run] = now() - start;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return 1;
  }
  qsort(costs, (size_t)count, sizeof *costs, compare);
  printf("%lld\n", costs[(count - 1) / 2]);
  return 0;
}
