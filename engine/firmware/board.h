// What main.c asks of a board.
#ifndef INGLE_BOARD_H
#define INGLE_BOARD_H

#include <stddef.h>
#include <stdint.h>

void serial_open(void);
int serial_read(void);                      // the next byte; waits for it
void serial_write(const char *bytes, size_t n);

uint64_t ticks(void);                       // of the processor's clock since reset
void paint_stack(void);                     // mark what is free of it, for
size_t stack_peak(void);                    // the most bytes that were used since
size_t stack_room(void);

#endif
