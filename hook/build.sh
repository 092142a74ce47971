#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the hook as one static program: hook/build.sh OUT
set -eu
[ $# -eq 1 ] || { echo "usage: hook/build.sh OUT" >&2; exit 2; }
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# Static, so that nothing of the host is loaded into it; position independent, and with every guard gcc has.
exec gcc -std=c11 -D_GNU_SOURCE -O2 -s -static-pie -fPIE \
  -Wall -Wextra -Wconversion -Wshadow -Wformat=2 -Wstrict-prototypes -Werror \
  -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection \
  -Wl,-z,relro,-z,now,-z,noexecstack,--build-id=none \
  -o "$1" "$here/native/nsattest-hook.c"
