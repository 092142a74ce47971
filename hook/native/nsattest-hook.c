// SPDX-License-Identifier: Apache-2.0
//
// nsattest-hook: the OCI runtime hook. It carries the container's state JSON from the runtime to nsattest-monitor and
// waits for the answer, so that no container runs undeclared. It knows nothing of what it carries: the monitor judges.
//
//   nsattest-hook [--socket PATH] [--owner UID] [--deadline MS] [--on-down=allow|deny] createRuntime|poststop
//
//   --socket    the monitor's socket, absolute.                       Default: /run/nsattest/hook.sock
//   --owner     the monitor's uid, besides root.                      Default: root alone
//   --deadline  milliseconds for everything together, 1 to 60000;     Default: 5000
//               must be below the hook's `timeout` in the runtime's configuration, or the runtime kills it first
//   --on-down   whether a container may start while the monitor is    Default: deny
//               unreachable or late; a refusal, bad input or a suspicious socket always stop it
//
// As a runtime runs it (OCI runtime specification, "POSIX-platform Hooks"): state JSON on standard input, at most 1 MiB.
// Standard output stays empty. Whatever goes wrong is one line on standard error, since runtimes show it to whoever
// started the container: what, where, why, what next.
//
// Exit codes: 0 the monitor agreed (or is down, with --on-down=allow)   1 the monitor refused   2 wrong arguments
//             3 no usable state on standard input   4 the socket is not to be trusted   5 the monitor is down or late
//             6 the monitor's answer makes no sense
//
// The socket is trusted when nobody but root and the monitor could have put it there: no link on the way, every folder
// owned by one of the two and not writable by others (or sticky, as /tmp is), the socket and the process that listens
// on it as well. What was checked is what is connected to: by descriptor, not by name.
//
// The environment is ignored and cleared. No process is started and no memory is allocated.

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { STATE_MAX = 1 << 20, ANSWER_MAX = 4096, LENGTH = 4, HEADER = LENGTH + 1, LINE_MAX_BYTES = 4096 };
enum { DEADLINE_DEFAULT = 5000, DEADLINE_MAX = 60000, RETRY_MS = 10 };
enum { OPEN = 1, CLOSE = 2 };    // verbs
enum { AGREED = 0, REFUSED = 1 };  // status of an answer
enum { DONE = 0, DENIED = 1, USAGE = 2, BAD_STATE = 3, BAD_SOCKET = 4, DOWN = 5, BAD_ANSWER = 6 };

static const char *verb_name = "arguments";
static const char *socket_path = "/run/nsattest/hook.sock";
static uid_t owner = 0;
static long deadline_ms = DEADLINE_DEFAULT;
static int allow_when_down = 0;
static uint8_t verb;
static long long ends_at;  // on the monotonic clock, in milliseconds

static long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Waits for an event: 1 it came, 0 the deadline has passed, -1 an error.
static int await(int fd, short event) {
  for (;;) {
    struct pollfd wanted = {.fd = fd, .events = event};
    long long left = ends_at - now_ms();
    int ready = left > 0 ? poll(&wanted, 1, (int)left) : 0;
    if (ready >= 0 || errno != EINTR) return ready;
  }
}

// The only way out that says something: one line, in one write, of printable ASCII only, as parts of it may be the
// choice of others.
__attribute__((noreturn, format(printf, 2, 3))) static void finish(int code, const char *format, ...) {
  char line[LINE_MAX_BYTES];
  int start = snprintf(line, sizeof line, "nsattest-hook: %s: ", verb_name);
  va_list arguments;
  va_start(arguments, format);
  int rest = vsnprintf(line + start, sizeof line - (size_t)start, format, arguments);
  va_end(arguments);
  size_t length = rest < 0 ? (size_t)start : (size_t)start + (size_t)rest;
  if (length > sizeof line - 2) length = sizeof line - 2;
  for (size_t i = 0; i < length; i++)
    if (line[i] < ' ' || line[i] > '~') line[i] = '?';
  line[length] = '\n';
  ssize_t ignored = write(STDERR_FILENO, line, length + 1);
  (void)ignored;
  _exit(code);
}

__attribute__((noreturn)) static void monitor_down(const char *why) {
  if (allow_when_down)
    finish(DONE, "%s: %s; going on undeclared (--on-down=allow), start nsattest-monitor", socket_path, why);
  finish(DOWN, "%s: %s; start nsattest-monitor or look at its log, then try again", socket_path, why);
}

// ---- arguments

static long number(const char *option, const char *text, long min, long max) {
  char *end = NULL;
  errno = 0;
  long value = text[0] >= '0' && text[0] <= '9' ? strtol(text, &end, 10) : -1;
  if (end == NULL || *end != 0 || errno != 0 || value < min || value > max)
    finish(USAGE, "%s %s: not a number from %ld to %ld; correct the hook's args", option, text, min, max);
  return value;
}

static void set_option(const char *option, const char *value) {
  if (strcmp(option, "--socket") == 0) {
    if (value[0] != '/') finish(USAGE, "--socket %s: not absolute; correct the hook's args", value);
    socket_path = value;
  } else if (strcmp(option, "--owner") == 0) {
    owner = (uid_t)number(option, value, 0, 0xfffffffeL);
  } else if (strcmp(option, "--deadline") == 0) {
    deadline_ms = number(option, value, 1, DEADLINE_MAX);
  } else if (strcmp(option, "--on-down") == 0) {
    allow_when_down = strcmp(value, "allow") == 0;
    if (!allow_when_down && strcmp(value, "deny") != 0)
      finish(USAGE, "--on-down %s: neither allow nor deny; correct the hook's args", value);
  } else {
    finish(USAGE, "%s: unknown option; correct the hook's args", option);
  }
}

static void parse_arguments(int argc, char **argv) {
  int at = 1;
  while (at < argc && argv[at][0] == '-') {
    char *option = argv[at++];
    char *equals = strchr(option, '=');
    if (equals == NULL && at == argc) finish(USAGE, "%s: no value; correct the hook's args", option);
    if (equals != NULL) *equals = 0;
    set_option(option, equals != NULL ? equals + 1 : argv[at++]);
  }
  if (at + 1 != argc) finish(USAGE, "one verb is wanted, createRuntime or poststop; correct the hook's args");
  if (strcmp(argv[at], "createRuntime") == 0) verb = OPEN;
  if (strcmp(argv[at], "poststop") == 0) verb = CLOSE;
  if (verb == 0) finish(USAGE, "%s: no verb, use createRuntime or poststop; correct the hook's args", argv[at]);
  verb_name = argv[at];
}

// ---- state

// A closed descriptor would be given to the next file opened, and a line for standard error written into the socket.
static void fill_standard_descriptors(void) {
  if (fcntl(STDIN_FILENO, F_GETFD) < 0)
    finish(BAD_STATE, "standard input: closed; it must carry the container's state, run this from an OCI runtime");
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) _exit(USAGE);
}

static size_t read_state(uint8_t *state) {
  size_t length = 0;
  for (;;) {
    int ready = await(STDIN_FILENO, POLLIN);
    if (ready == 0)
      finish(BAD_STATE, "standard input: not ended after %ld ms; look at the runtime's log", deadline_ms);
    ssize_t got = ready < 0 ? -1 : read(STDIN_FILENO, state + length, STATE_MAX + 1 - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) finish(BAD_STATE, "standard input: %s; run this from an OCI runtime", strerror(errno));
    if (got == 0) break;
    length += (size_t)got;
    if (length > STATE_MAX)
      finish(BAD_STATE, "standard input: more than %d bytes; make the container's annotations smaller", STATE_MAX);
  }
  if (length == 0)
    finish(BAD_STATE, "standard input: empty; it must carry the container's state, run this from an OCI runtime");
  return length;
}

// ---- socket

static void check_owner(const struct stat *found, const char *what) {
  if (found->st_uid != 0 && found->st_uid != owner)
    finish(BAD_SOCKET, "%s: %s is owned by uid %u, not by root or uid %u; set --owner, or find out who put it there",
           socket_path, what, found->st_uid, owner);
}

// Opens the socket's inode without following a link anywhere, checking every folder on the way.
static int open_socket_file(void) {
  char path[PATH_MAX];
  if (strlen(socket_path) >= sizeof path)
    finish(USAGE, "--socket: longer than %d bytes; correct the hook's args", PATH_MAX);
  strcpy(path, socket_path);
  int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  char *rest = NULL;
  char *name = strtok_r(path, "/", &rest);
  if (at < 0 || name == NULL) finish(BAD_SOCKET, "%s: no file; correct --socket", socket_path);
  for (;;) {
    struct stat found;
    char *next = strtok_r(NULL, "/", &rest);
    if (strcmp(name, "..") == 0) finish(USAGE, "--socket %s: contains ..; correct the hook's args", socket_path);
    if (fstat(at, &found) < 0) finish(BAD_SOCKET, "%s: %s; correct --socket", socket_path, strerror(errno));
    check_owner(&found, "a folder on the way");
    if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (found.st_mode & S_ISVTX) == 0)
      finish(BAD_SOCKET, "%s: others may write into the folder of %s; let only its owner write", socket_path, name);
    int inside = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (inside < 0 && errno == ENOENT) monitor_down("there is no such socket");
    if (inside < 0) finish(BAD_SOCKET, "%s: %s: %s; correct --socket", socket_path, name, strerror(errno));
    if (fstat(inside, &found) < 0) finish(BAD_SOCKET, "%s: %s; correct --socket", socket_path, strerror(errno));
    if (S_ISLNK(found.st_mode))
      finish(BAD_SOCKET, "%s: %s is a symbolic link; give --socket the path without links", socket_path, name);
    close(at);
    at = inside;
    name = next;
    if (name != NULL) continue;
    if (!S_ISSOCK(found.st_mode)) finish(BAD_SOCKET, "%s: not a socket; correct --socket", socket_path);
    check_owner(&found, "the socket");
    return at;
  }
}

static int connect_monitor(void) {
  int file = open_socket_file();
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", file);
  int monitor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (monitor < 0) finish(BAD_SOCKET, "%s: socket: %s; free resources of this machine", socket_path, strerror(errno));
  while (connect(monitor, (struct sockaddr *)&address, sizeof address) < 0) {
    if (errno == EINTR) continue;
    if (errno == ECONNREFUSED) monitor_down("nobody listens");
    if (errno != EAGAIN)
      finish(BAD_SOCKET, "%s: connect: %s; check /proc and the socket's mode", socket_path, strerror(errno));
    // The queue of a unix socket is full: no event tells when there is room again.
    if (now_ms() >= ends_at) monitor_down("the monitor takes no connection in time");
    poll(NULL, 0, RETRY_MS);
  }
  close(file);
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(monitor, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || (peer.uid != 0 && peer.uid != owner))
    finish(BAD_SOCKET, "%s: somebody else than root or uid %u listens; find out who does", socket_path, owner);
  return monitor;
}

// ---- conversation

static void wait_for(int monitor, short event, const char *late) {
  int ready = await(monitor, event);
  if (ready == 0) monitor_down(late);
  if (ready < 0) finish(BAD_ANSWER, "%s: poll: %s; try again", socket_path, strerror(errno));
}

static void send_all(int monitor, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    wait_for(monitor, POLLOUT, "the monitor does not take the state in time");
    ssize_t sent = send(monitor, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    // It hung up: what it thinks of the state may be there to be read.
    if (sent < 0) return;
    bytes += sent;
    length -= (size_t)sent;
  }
}

static size_t get_length(const uint8_t *at) {
  return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

// Reads one frame and returns its length without the length field; nothing after it is looked at.
static size_t read_answer(int monitor, uint8_t *answer) {
  size_t have = 0, want = LENGTH;
  while (have < want) {
    wait_for(monitor, POLLIN, "the monitor does not answer in time");
    ssize_t got = recv(monitor, answer + have, want - have, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0 && have == 0) monitor_down("the monitor hung up without an answer");
    if (got <= 0) finish(BAD_ANSWER, "%s: the answer ends early; look at the monitor's log", socket_path);
    have += (size_t)got;
    if (have != LENGTH || want != LENGTH) continue;
    size_t length = get_length(answer);
    if (length == 0 || length > ANSWER_MAX)
      finish(BAD_ANSWER, "%s: an answer of %zu bytes; use hook and monitor of one version", socket_path, length);
    want += length;
  }
  return want - LENGTH;
}

int main(int argc, char **argv) {
  static uint8_t request[HEADER + STATE_MAX + 1];
  static uint8_t answer[LENGTH + ANSWER_MAX + 1];
  clearenv();
  fill_standard_descriptors();
  parse_arguments(argc, argv);
  ends_at = now_ms() + deadline_ms;

  size_t state = read_state(request + HEADER);
  size_t payload = state + 1;
  for (int i = 0; i < LENGTH; i++) request[i] = (uint8_t)(payload >> (8 * (LENGTH - 1 - i)));
  request[LENGTH] = verb;

  int monitor = connect_monitor();
  send_all(monitor, request, LENGTH + payload);
  size_t length = read_answer(monitor, answer);
  if (answer[LENGTH] == AGREED) _exit(DONE);
  if (answer[LENGTH] != REFUSED)
    finish(BAD_ANSWER, "%s: status %u is unknown; use hook and monitor of one version", socket_path, answer[LENGTH]);
  finish(DENIED, "refused by the monitor at %s: %.*s", socket_path, (int)(length - 1), (char *)answer + HEADER);
}
