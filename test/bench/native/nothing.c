// SPDX-License-Identifier: Apache-2.0
//
// The least that a program can be: the yardstick for what is started with every container.

int main(void) { return 0; }
