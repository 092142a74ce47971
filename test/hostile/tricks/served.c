// SPDX-License-Identifier: Apache-2.0
//
// A file system of the container's own making, which gives other bytes the second time.
#include "trick.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FOLDER_NODE = FUSE_ROOT_ID, FILE_NODE = 2, REQUEST_BYTES = 1 << 18, WRITE_BYTES = PAGE };

static uint8_t content[1 << 21];
static size_t size;

static struct fuse_attr attributes(uint64_t node) {
  int is_folder = node == FOLDER_NODE;
  return (struct fuse_attr){.ino = node,
                            .size = is_folder ? 0 : size,
                            .mode = (is_folder ? S_IFDIR : S_IFREG) | 0755U,
                            .nlink = 1,
                            .blksize = PAGE};
}

static void answer(int fuse, uint64_t unique, int error, const void *body, size_t length) {
  struct fuse_out_header head = {.len = (uint32_t)(sizeof head + length), .error = -error, .unique = unique};
  struct iovec parts[] = {{&head, sizeof head}, {(void *)(uintptr_t)body, length}};
  must(writev(fuse, parts, 2) == (ssize_t)head.len, "answer");
}

static void serve(int fuse) {
  static uint8_t request[REQUEST_BYTES];
  for (int opened = 0;;) {
    if (read(fuse, request, sizeof request) <= 0) _exit(1);
    const struct fuse_in_header *head = (const void *)request;
    const void *body = head + 1;
    struct fuse_entry_out entry = {.nodeid = FILE_NODE, .attr = attributes(FILE_NODE)};
    struct fuse_attr_out attribute = {.attr = attributes(head->nodeid)};
    struct fuse_open_out open_answer = {0};
    struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = WRITE_BYTES};
    const struct fuse_read_in *wanted = body;
    switch (head->opcode) {
      case FUSE_INIT: answer(fuse, head->unique, 0, &init, sizeof init); break;
      case FUSE_LOOKUP: answer(fuse, head->unique, 0, &entry, sizeof entry); break;
      case FUSE_GETATTR: answer(fuse, head->unique, 0, &attribute, sizeof attribute); break;
      case FUSE_OPEN:
        // The last byte is of no meaning to a program.
        if (opened++ > 0) content[size - 1] ^= 1;
        answer(fuse, head->unique, 0, &open_answer, sizeof open_answer);
        break;
      case FUSE_READ: {
        size_t from = wanted->offset < size ? (size_t)wanted->offset : size;
        answer(fuse, head->unique, 0, content + from, wanted->size < size - from ? wanted->size : size - from);
        break;
      }
      case FUSE_FORGET:
      case FUSE_BATCH_FORGET: break;
      case FUSE_FLUSH:
      case FUSE_RELEASE: answer(fuse, head->unique, 0, NULL, 0); break;
      default: answer(fuse, head->unique, ENOSYS, NULL, 0);
    }
  }
}

static void served(void) {
  char options[64];
  ssize_t length = read(open_or_die(SELF, O_RDONLY), content, sizeof content);
  must(length > 0 && (size_t)length < sizeof content, "read");
  size = (size_t)length;
  must(mknod("/dev/fuse", S_IFCHR | 0666, makedev(10, 229)) == 0 || errno == EEXIST, "mknod");
  own_mounts();
  // Whoever mounts has to have opened it in the same user namespace.
  int fuse = open_or_die("/dev/fuse", O_RDWR);
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
  must(mount("fuse", "/mnt", "fuse", MS_NOSUID | MS_NODEV, options) == 0, "mount fuse");
  pid_t server = fork();
  if (server == 0) serve(fuse);
  must(server > 0, "fork");
  run("/mnt/served");
  run("/mnt/served");
  must(umount2("/mnt", MNT_DETACH) == 0 && kill(server, SIGKILL) == 0 && waitpid(server, NULL, 0) == server, "end");
}

const struct trick served_tricks[] = {{"served", served}, {NULL, NULL}};
