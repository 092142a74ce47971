// SPDX-License-Identifier: Apache-2.0
//
// What the tricks share. Every file that is executed or mapped is a copy of this program, so that a policy can list it with
// one digest; `alter` makes it another content that still runs.
#ifndef TRICK_H
#define TRICK_H

#include <stddef.h>
#include <sys/types.h>

#define SELF "/bin/tricks"
// Where a neighbour hands out its root folder.
#define ROOT_SOCKET "/vol/root.sock"

enum { PAGE = 4096 };

struct trick {
  const char *name;
  void (*play)(void);
};

// The tables of the themes, each ended by a row without a name.
extern const struct trick disguise_tricks[], list_tricks[], mapping_tricks[], name_tricks[], root_tricks[], task_tricks[];
extern const struct trick neighbour_parts[], served_tricks[];

// Ends the trick with an error unless it was done.
void must(int done, const char *what);

int open_or_die(const char *path, int flags);
void write_file(const char *path, const char *text);
void make_folder(const char *path);

// A copy of this program, executable.
void copy(int to);
void copy_to(const char *path);
// One byte more: another content.
void append(int fd);
void alter(const char *path);
void alter_file(const char *from, const char *path);

// Runs a program in a child, with the argument `nothing`, and expects that it succeeds.
void run(const char *path);
void run_with(char *const argv[], char *const environment[]);
void wait_for(pid_t child);

// One page of a file.
void *map(int fd, int protection);
void map_executable(const char *path, int flags);

// Root of a user namespace of one's own may mount. /mnt is a tmpfs afterwards.
void own_mounts(void);

#endif
