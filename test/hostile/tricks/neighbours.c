// SPDX-License-Identifier: Apache-2.0
//
// What the neighbours do meanwhile.
#include "trick.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAUSE_US = 200000 };

// Two executions and a mapping every moment.
static void be_busy(void) {
  for (;;) {
    run(SELF);
    run("/bin/other");
    int library = open_or_die("/bin/first", O_RDONLY);
    munmap(map(library, PROT_READ | PROT_EXEC), PAGE);
    close(library);
    usleep(PAUSE_US);
  }
}

static void hold_library(void) {
  copy_to("/vol/library");
  map_executable("/vol/library", 0);
  for (;;) pause();
}

// Hands its root folder to whoever asks on the shared volume.
static void lend_root(void) {
  int listener = socket(AF_UNIX, SOCK_STREAM, 0), root = open_or_die("/", O_RDONLY | O_DIRECTORY);
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = ROOT_SOCKET};
  must(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 8) == 0, ROOT_SOCKET);
  for (;;) {
    char control[CMSG_SPACE(sizeof root)] = {0}, byte = 0;
    struct iovec text = {&byte, 1};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof root)};
    memcpy(CMSG_DATA(head), &root, sizeof root);
    int asker = accept(listener, NULL, NULL);
    must(sendmsg(asker, &message, 0) == 1, "sendmsg");
    close(asker);
  }
}

static void stay(void) {
  for (;;) pause();
}

const struct trick neighbour_parts[] = {
    {"be-busy", be_busy},
    {"hold-library", hold_library},
    {"lend-root", lend_root},
    {"stay", stay},
    {NULL, NULL},
};
