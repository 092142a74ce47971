// SPDX-License-Identifier: Apache-2.0
//
// A small static program for container images: says its name and its arguments. Each name is a build of its own, so
// that programs differ in content and each is new to IMA.

#include <unistd.h>

static void say(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  ssize_t ignored = write(1, text, length);
  (void)ignored;
}

int main(int argc, char **argv) {
  say("I am " PROBE_NAME);
  for (int i = 1; i < argc; i++) {
    say(" ");
    say(argv[i]);
  }
  say("\n");
  return 0;
}
