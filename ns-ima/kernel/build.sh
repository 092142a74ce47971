#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the BPF object: build.sh OUTPUT. Needs clang, llvm-strip and libbpf's headers. The result depends on the compiler's version
# only, not on folders or time, so the committed object can be compared with a rebuilt one.
set -eu
cd "$(dirname "$0")"
clang -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -Wall -Wextra -Werror -Wno-unused-parameter \
	-ffile-prefix-map="$PWD"=. -fdebug-compilation-dir=. -c nsattest.bpf.c -o "$1"
llvm-strip -g "$1"
