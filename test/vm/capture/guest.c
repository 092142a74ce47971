// SPDX-License-Identifier: Apache-2.0
//
// What busybox cannot do in the machine. Values come from standard input.
//
//   guest xattr PATH NAME      sets an extended attribute to these bytes
//   guest key KEYRING          adds this certificate to a new keyring of that name
//   guest verity PATH NUMBER   makes PATH an fs-verity file with hash algorithm NUMBER
//   guest hold PATH            opens PATH for reading, and for writing while it is open

#include <fcntl.h>
#include <linux/fsverity.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static char input[1 << 16];

static size_t read_input(void) {
  size_t length = 0;
  for (;;) {
    ssize_t got = read(0, input + length, sizeof input - length);
    if (got < 0) exit(1);
    if (got == 0) return length;
    length += (size_t)got;
  }
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

static int set_attribute(const char *path, const char *name) {
  size_t length = read_input();
  return setxattr(path, name, input, length, 0) ? fail(path) : 0;
}

static int add_key(const char *name) {
  size_t length = read_input();
  long keyring = syscall(SYS_add_key, "keyring", name, NULL, 0L, KEY_SPEC_PROCESS_KEYRING);
  if (keyring < 0) return fail("keyring");
  return syscall(SYS_add_key, "asymmetric", "", input, length, keyring) < 0 ? fail("key") : 0;
}

static int enable_verity(const char *path, const char *number) {
  struct fsverity_enable_arg argument = {.version = 1, .hash_algorithm = (unsigned)atoi(number), .block_size = 4096};
  int file = open(path, O_RDONLY);
  return file < 0 || ioctl(file, FS_IOC_ENABLE_VERITY, &argument) ? fail(path) : 0;
}

static int hold(const char *path) {
  int reader = open(path, O_RDONLY);
  if (reader < 0) return fail(path);
  int writer = open(path, O_WRONLY | O_APPEND);
  if (writer < 0 || write(writer, "more\n", 5) != 5) return fail(path);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "xattr") == 0) return set_attribute(argv[2], argv[3]);
  if (argc == 3 && strcmp(argv[1], "key") == 0) return add_key(argv[2]);
  if (argc == 4 && strcmp(argv[1], "verity") == 0) return enable_verity(argv[2], argv[3]);
  if (argc == 3 && strcmp(argv[1], "hold") == 0) return hold(argv[2]);
  fprintf(stderr, "guest: unknown command\n");
  return 2;
}
