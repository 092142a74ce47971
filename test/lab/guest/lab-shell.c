// SPDX-License-Identifier: Apache-2.0
//
// lab-shell: runs commands inside the lab machine for whoever booted it.
//
//   lab-shell /dev/vportXpY
//
// One virtio-serial port carries all commands. A frame, in both directions, is
//
//   u32be length of payload | u32be channel | u8 type | payload
//
//   from the host:  1 START (argv, each NUL-terminated)   2 STDIN (no payload: end of input)   3 SIGNAL (u8 number)
//   to the host:    0 HELLO (channel 0)   1 STDOUT   2 STDERR   3 EXIT (u32be: exit code, or 128 + signal)
//
// The host chooses channel numbers and uses each one once. EXIT comes after all output that the command itself wrote;
// a process left in the background keeps running and should have its output redirected. This program is the guest's
// first process: it reaps every orphan, and when it ends, the kernel panics and the machine is gone, which the host sees.
//
// No container can reach the port: it is a root-owned device node, and there is no network service.

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEADER = 9, MAX_PAYLOAD = 1 << 20, CHUNK = 64 << 10, MAX_COMMANDS = 256, MAX_ARGUMENTS = 64 };
enum { START = 1, STDIN = 2, SIGNAL = 3 };
enum { HELLO = 0, STDOUT = 1, STDERR = 2, EXIT = 3 };

struct command {
  uint32_t channel;
  pid_t pid;  // 0: this slot is free
  int in, out, err;
  uint8_t *input;  // not yet written to the command: a slow reader must not stop the others
  size_t input_length;
  int input_ended;
};

static struct command commands[MAX_COMMANDS];
static int port;
static int woken[2];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void put_u32(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)(value >> 24);
  at[1] = (uint8_t)(value >> 16);
  at[2] = (uint8_t)(value >> 8);
  at[3] = (uint8_t)value;
}

static uint32_t get_u32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void write_port(const uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(port, bytes, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) die("lab-shell: write to the port");
    bytes += written;
    length -= (size_t)written;
  }
}

// A port reads as "end of file" while nobody holds its other side: wait for them.
static void read_port(uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t got = read(port, bytes, length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) die("lab-shell: read from the port");
    if (got == 0) usleep(10000);
    bytes += got;
    length -= (size_t)got;
  }
}

static void send_frame(uint32_t channel, uint8_t type, const uint8_t *payload, size_t length) {
  static uint8_t frame[HEADER + CHUNK];
  put_u32(frame, (uint32_t)length);
  put_u32(frame + 4, channel);
  frame[8] = type;
  if (length > 0) memcpy(frame + HEADER, payload, length);
  write_port(frame, HEADER + length);
}

static void send_exit(uint32_t channel, uint32_t code) {
  uint8_t payload[4];
  put_u32(payload, code);
  send_frame(channel, EXIT, payload, sizeof payload);
}

static struct command *find(uint32_t channel) {
  for (int i = 0; i < MAX_COMMANDS; i++)
    if (commands[i].pid != 0 && commands[i].channel == channel) return &commands[i];
  return NULL;
}

static void refuse(uint32_t channel, const char *why) {
  send_frame(channel, STDERR, (const uint8_t *)why, strlen(why));
  send_exit(channel, 126);
}

static void start(uint32_t channel, uint8_t *payload, size_t length) {
  char *argv[MAX_ARGUMENTS + 1];
  int count = 0, in[2], out[2], err[2];
  struct command *slot = NULL;

  for (int i = 0; i < MAX_COMMANDS && slot == NULL; i++)
    if (commands[i].pid == 0) slot = &commands[i];
  if (slot == NULL) return refuse(channel, "lab-shell: too many commands at once\n");
  if (length == 0 || payload[length - 1] != 0) return refuse(channel, "lab-shell: arguments are not NUL-terminated\n");
  for (size_t at = 0; at < length; at += strlen((char *)payload + at) + 1) {
    if (count == MAX_ARGUMENTS) return refuse(channel, "lab-shell: too many arguments\n");
    argv[count++] = (char *)payload + at;
  }
  argv[count] = NULL;

  if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) die("lab-shell: pipe");
  pid_t pid = fork();
  if (pid < 0) die("lab-shell: fork");
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setsid();  // a SIGNAL frame reaches the whole group
    dup2(in[0], 0);
    dup2(out[1], 1);
    dup2(err[1], 2);
    execvp(argv[0], argv);
    perror(argv[0]);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  close(err[1]);
  fcntl(in[1], F_SETFL, O_NONBLOCK);
  fcntl(out[0], F_SETFL, O_NONBLOCK);
  fcntl(err[0], F_SETFL, O_NONBLOCK);
  *slot = (struct command){.channel = channel, .pid = pid, .in = in[1], .out = out[0], .err = err[0]};
}

static void close_input(struct command *command) {
  if (command->in >= 0) close(command->in);
  free(command->input);
  command->in = -1;
  command->input = NULL;
  command->input_length = 0;
}

static void flush_input(struct command *command) {
  if (command->in < 0) return;
  if (command->input_length > 0) {
    ssize_t written = write(command->in, command->input, command->input_length);
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (written < 0) return close_input(command);
    command->input_length -= (size_t)written;
    memmove(command->input, command->input + written, command->input_length);
  }
  if (command->input_length == 0 && command->input_ended) close_input(command);
}

static void take_input(struct command *command, const uint8_t *payload, size_t length) {
  if (command->in < 0) return;
  if (length == 0) {
    command->input_ended = 1;
  } else {
    uint8_t *grown = realloc(command->input, command->input_length + length);
    if (grown == NULL) die("lab-shell: out of memory for a command's input");
    memcpy(grown + command->input_length, payload, length);
    command->input = grown;
    command->input_length += length;
  }
  flush_input(command);
}

static void take_frame(void) {
  static uint8_t payload[MAX_PAYLOAD];
  uint8_t header[HEADER];
  read_port(header, HEADER);
  size_t length = get_u32(header);
  uint32_t channel = get_u32(header + 4);
  if (length > MAX_PAYLOAD) die("lab-shell: oversized frame");
  read_port(payload, length);

  if (header[8] == START) return start(channel, payload, length);
  struct command *command = find(channel);
  if (command == NULL) return;  // it ended while the frame was on its way
  if (header[8] == STDIN) take_input(command, payload, length);
  if (header[8] == SIGNAL && length == 1) kill(-command->pid, payload[0]);
}

// Returns whether more may follow at once.
static int forward(struct command *command, int *from, uint8_t type) {
  static uint8_t chunk[CHUNK];
  if (*from < 0) return 0;
  ssize_t got = read(*from, chunk, sizeof chunk);
  if (got > 0) {
    send_frame(command->channel, type, chunk, (size_t)got);
    return 1;
  }
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    close(*from);
    *from = -1;
  }
  return 0;
}

static void reap(void) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    for (int i = 0; i < MAX_COMMANDS; i++) {
      struct command *command = &commands[i];
      if (command->pid != pid) continue;
      while (forward(command, &command->out, STDOUT)) continue;
      while (forward(command, &command->err, STDERR)) continue;
      if (command->out >= 0) close(command->out);
      if (command->err >= 0) close(command->err);
      close_input(command);
      command->pid = 0;
      send_exit(command->channel, WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 128u + (uint32_t)WTERMSIG(status));
    }
  }
}

static void on_child(int number) {
  (void)number;
  int saved = errno;
  ssize_t ignored = write(woken[1], "", 1);  // full pipe: a wake-up is pending already
  (void)ignored;
  errno = saved;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: lab-shell PORT\n");
    return 2;
  }
  port = open(argv[1], O_RDWR | O_CLOEXEC);
  if (port < 0) die("lab-shell: open the port");
  if (pipe2(woken, O_CLOEXEC | O_NONBLOCK)) die("lab-shell: pipe");
  signal(SIGPIPE, SIG_IGN);
  struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
  sigaction(SIGCHLD, &action, NULL);
  send_frame(0, HELLO, NULL, 0);

  for (;;) {
    struct pollfd set[2 + 3 * MAX_COMMANDS];
    nfds_t count = 0;
    set[count++] = (struct pollfd){.fd = port, .events = POLLIN};
    set[count++] = (struct pollfd){.fd = woken[0], .events = POLLIN};
    for (int i = 0; i < MAX_COMMANDS; i++) {
      struct command *command = &commands[i];
      if (command->pid == 0) continue;
      int feed = command->input_length > 0 ? command->in : -1;
      set[count++] = (struct pollfd){.fd = command->out, .events = POLLIN};
      set[count++] = (struct pollfd){.fd = command->err, .events = POLLIN};
      set[count++] = (struct pollfd){.fd = feed, .events = POLLOUT};
    }
    if (poll(set, count, -1) < 0 && errno != EINTR) die("lab-shell: poll");

    uint8_t scratch[64];
    while (read(woken[0], scratch, sizeof scratch) > 0) continue;
    for (int i = 0; i < MAX_COMMANDS; i++) {
      struct command *command = &commands[i];
      if (command->pid == 0) continue;
      forward(command, &command->out, STDOUT);
      forward(command, &command->err, STDERR);
      flush_input(command);
    }
    reap();
    if (set[0].revents & POLLIN) take_frame();
    if (set[0].revents & POLLHUP) usleep(10000);  // nobody on the host side yet: do not spin
  }
}
