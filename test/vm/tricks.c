// SPDX-License-Identifier: Apache-2.0
//
// What an unprivileged container can do to put entries into the host's measurement list that do not fit what it executed,
// or that look like somebody else's. One trick per run: tricks NAME. Ends with 0 when the trick was done.
//
// Every file that is executed or mapped is a copy of this program, so that a policy can list it with one digest.

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SELF "/bin/tricks"
// Owner whose files the node's IMA policy measures when they are read.
#define CODE_UID 1900000001

// Events of this many new names are more than a container may put into the ring between two marks.
enum { PAGE = 4096, MANY_NAMES = 5000 };

static void must(int done, const char *what) {
  if (done) return;
  perror(what);
  exit(1);
}

static int open_or_die(const char *path, int flags) {
  int fd = open(path, flags | O_CLOEXEC, 0755);
  must(fd >= 0, path);
  return fd;
}

static void copy(int to) {
  int from = open_or_die(SELF, O_RDONLY);
  struct stat file;
  must(fstat(from, &file) == 0, "stat " SELF);
  must(sendfile(to, from, NULL, (size_t)file.st_size) == file.st_size, "copy " SELF);
  close(from);
}

static void copy_to(const char *path) {
  int to = open_or_die(path, O_WRONLY | O_CREAT | O_TRUNC);
  copy(to);
  close(to);
}

static void make_folder(const char *path) { must(mkdir(path, 0755) == 0 || errno == EEXIST, path); }

static void append(int fd) {
  must(lseek(fd, 0, SEEK_END) > 0 && write(fd, "\n", 1) == 1, "append");
}

static void run(const char *path) {
  pid_t child = fork();
  int status;
  must(child >= 0, "fork");
  if (child == 0) {
    execl(path, path, "nothing", (char *)NULL);
    perror(path);
    _exit(1);
  }
  must(waitpid(child, &status, 0) == child, "wait");
  if (status != 0) exit(1);
}

// Whoever plays a trick that has no end is told so.
static int is_enough(void) { return access("/vol/enough", F_OK) == 0; }

static void *map(int fd, int protection) {
  void *memory = mmap(NULL, PAGE, protection, MAP_PRIVATE, fd, 0);
  must(memory != MAP_FAILED, "mmap");
  return memory;
}

static void map_executable(const char *path, int flags) {
  map(open_or_die(path, O_RDONLY | flags), PROT_READ | PROT_EXEC);
}

static void write_file(const char *path, const char *text) {
  int fd = open_or_die(path, O_WRONLY);
  must(write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
  close(fd);
}

// Root of a user namespace of one's own may mount. /mnt is a tmpfs afterwards.
static void own_mounts(void) {
  must(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0, "unshare");
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", "0 0 1");
  write_file("/proc/self/gid_map", "0 0 1");
  make_folder("/mnt");
  must(mount("tmpfs", "/mnt", "tmpfs", 0, NULL) == 0, "mount tmpfs");
}

static void run_detached(const char *name) {
  own_mounts();
  must(chdir("/mnt") == 0, "chdir");
  copy_to(name);
  must(umount2("/mnt", MNT_DETACH) == 0, "umount");
  char path[64];
  snprintf(path, sizeof path, "./%s", name);
  run(path);
}

static void nothing(void) {}

static void direct(void) { map_executable("/bin/direct", O_DIRECT); }

static void shared_memory(void) {
  int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0700);
  must(id >= 0, "shmget");
  must(shmat(id, NULL, SHM_EXEC) != (void *)-1, "shmat");
}

static void held_writer(void) {
  copy_to("/vol/held");
  open_or_die("/vol/held", O_WRONLY);
  map_executable("/vol/held", 0);
}

// Overlay does not see that what is mapped changes: IMA records nothing.
static void write_running(void) {
  int file = open_or_die("/bin/running", O_RDONLY);
  map(file, PROT_READ | PROT_EXEC);
  close(file);
  int writer = open_or_die("/bin/running", O_WRONLY);
  append(writer);
}

static void truncate_running(void) {
  struct stat file;
  must(stat("/bin/shortened", &file) == 0, "stat");
  map_executable("/bin/shortened", 0);
  must(truncate("/bin/shortened", file.st_size - 1) == 0, "truncate");
}

// The descriptor that could write is closed when the file is executed. The mapping is not.
static void shared_writable(void) {
  int file = open_or_die("/bin/written", O_RDWR);
  must(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) != MAP_FAILED, "mmap");
  close(file);
  run("/bin/written");
}

// As package managers do it: whoever runs the old file goes on with it.
static void upgrade(void) {
  run("/bin/package");
  copy_to("/bin/package.new");
  must(rename("/bin/package.new", "/bin/package") == 0, "rename");
  run("/bin/package");
}

// A child in another cgroup: no file of it has to be written to for that.
static void run_in_cgroup(const char *cgroup) {
  struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
  int status;
  copy_to("/bin/stray");
  args.cgroup = (__u64)open_or_die(cgroup, O_RDONLY | O_DIRECTORY);
  pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof args);
  must(child >= 0, "clone3");
  if (child == 0) {
    execl("/bin/stray", "/bin/stray", "nothing", (char *)NULL);
    _exit(1);
  }
  must(waitpid(child, &status, 0) == child && status == 0, "child");
}

static void escape_neighbour(void) { run_in_cgroup("/sys/fs/cgroup/lab/bystander"); }
static void escape_host(void) { run_in_cgroup("/sys/fs/cgroup/service"); }

static void run_shared(void) {
  copy_to("/vol/shared");
  run("/vol/shared");
  map_executable("/vol/shared", 0);
  pause();
}

static void write_shared(void) { append(open_or_die("/vol/shared", O_WRONLY)); }

static void write_mapped(void) {
  copy_to("/vol/mapped");
  map_executable("/vol/mapped", 0);
  open_or_die("/vol/mapped", O_WRONLY);
}

static void second_map(void) {
  int writer = open_or_die("/bin/second", O_RDWR);
  map_executable("/bin/second", 0);
  append(writer);
  map_executable("/bin/second", 0);
}

static void upper_write(void) {
  own_mounts();
  make_folder("/vol/low");
  make_folder("/vol/up");
  make_folder("/vol/work");
  copy_to("/vol/low/layered");
  must(mount("overlay", "/mnt", "overlay", 0, "lowerdir=/vol/low,upperdir=/vol/up,workdir=/vol/work,userxattr") == 0,
       "mount overlay");
  must(chmod("/mnt/layered", 0700) == 0, "copy up");
  run("/mnt/layered");
  int upper = open_or_die("/vol/up/layered", O_RDWR);
  append(upper);
  close(upper);
  run("/mnt/layered");
}

static void code_owner(void) {
  const char *program = "/usr/lib/nsattest/monitor.cjs";
  char byte;
  make_folder("/usr");
  make_folder("/usr/lib");
  make_folder("/usr/lib/nsattest");
  int fd = open_or_die(program, O_WRONLY | O_CREAT);
  must(write(fd, "// mine\n", 8) == 8 && close(fd) == 0, "write");
  must(chown(program, CODE_UID, CODE_UID) == 0, "chown");
  must(read(open_or_die(program, O_RDONLY), &byte, 1) == 1, "read");
}

static void own_key(void) {
  static char certificate[PAGE];
  ssize_t length = read(open_or_die("/vol/certificate.der", O_RDONLY), certificate, sizeof certificate);
  must(length > 0, "read the certificate");
  must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "own") > 0, "join a keyring");
  must(syscall(SYS_add_key, "asymmetric", "key", certificate, (size_t)length, KEY_SPEC_SESSION_KEYRING) > 0, "add_key");
}

static void chroot_space(void) {
  make_folder("/jail");
  make_folder("/jail/bin");
  copy_to("/jail/bin/host tool");
  must(chroot("/jail") == 0, "chroot");
  run("/bin/host tool");
}

// A path of `folders` folders of 200 characters each below the root.
static void deep_path(int folders) {
  char name[201];
  memset(name, 'd', 200);
  name[200] = 0;
  must(chdir("/") == 0, "chdir");
  for (int i = 0; i < folders; i++) {
    make_folder(name);
    must(chdir(name) == 0, "chdir");
  }
  copy_to("deep");
  run("./deep");
}

static void long_path(void) { deep_path(2); }
static void longest_path(void) { deep_path(25); }

static void detached(void) { run_detached("detached-bin"); }
static void boot_aggregate(void) { run_detached("boot_aggregate"); }

static void renamed(void) {
  run("/bin/first");
  must(rename("/bin/first", "/bin/renamed") == 0, "rename");
  run("/bin/renamed");
}

static void violations(void) {
  copy_to("/vol/violated");
  map_executable("/vol/violated", 0);
  while (!is_enough()) close(open_or_die("/vol/violated", O_WRONLY));
}

// Ever new names of executable memory, which cost neither IMA nor the TPM anything: only the events do.
static void names(void) {
  char name[240];
  memset(name, 'n', sizeof name);
  for (unsigned i = 0; !is_enough(); i++) {
    snprintf(name + 200, sizeof name - 200, "%u", i);
    int fd = memfd_create(name, 0);
    must(fd >= 0 && ftruncate(fd, PAGE) == 0, "memfd_create");
    void *memory = map(fd, PROT_READ);
    must(mprotect(memory, PAGE, PROT_READ | PROT_EXEC) == 0, "mprotect");
    munmap(memory, PAGE);
    close(fd);
    if (i == MANY_NAMES) close(open_or_die("/vol/named", O_WRONLY | O_CREAT));
  }
}

static void memory_file(void) {
  int fd = memfd_create("hidden", 0);
  must(fd >= 0, "memfd_create");
  copy(fd);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  run(path);
}

static void protect(void) {
  void *memory = map(open_or_die("/bin/protected", O_RDONLY), PROT_READ);
  must(mprotect(memory, PAGE, PROT_READ | PROT_EXEC) == 0, "mprotect");
}

static const struct {
  const char *name;
  void (*play)(void);
} tricks[] = {
    {"nothing", nothing},           {"direct", direct},           {"shared-memory", shared_memory},
    {"held-writer", held_writer},   {"write-mapped", write_mapped}, {"second-map", second_map},
    {"upper-write", upper_write},   {"code-owner", code_owner},   {"own-key", own_key},
    {"chroot-space", chroot_space}, {"long-path", long_path},     {"longest-path", longest_path},
    {"detached", detached},         {"boot-aggregate", boot_aggregate}, {"renamed", renamed},
    {"violations", violations},     {"memory-file", memory_file}, {"protect", protect}, {"names", names},
    {"write-running", write_running}, {"truncate-running", truncate_running}, {"shared-writable", shared_writable},
    {"escape-neighbour", escape_neighbour}, {"escape-host", escape_host},
    {"upgrade", upgrade},           {"run-shared", run_shared},   {"write-shared", write_shared},
};

int main(int argc, char **argv) {
  for (size_t i = 0; argc == 2 && i < sizeof tricks / sizeof *tricks; i++) {
    if (strcmp(argv[1], tricks[i].name) != 0) continue;
    tricks[i].play();
    return 0;
  }
  fprintf(stderr, "usage: tricks NAME\n");
  return 2;
}
