// The UART of ARM's Cortex-M System Design Kit, which the MPS2 boards have.
#include "board.h"

typedef struct { volatile uint32_t data, state, control, interrupts, divider; } uart;
#define UART0 ((uart *)0x40004000)
enum { SEND_FULL = 1, RECEIVED = 2, SEND = 1, RECEIVE = 2, CLOCK_HZ = 25000000, BAUD = 115200 };

void serial_open(void) {
    UART0->divider = CLOCK_HZ / BAUD;
    UART0->control = SEND | RECEIVE;
}

int serial_read(void) {
    while (!(UART0->state & RECEIVED)) {}
    return (int)(UART0->data & 0xff);
}

void serial_write(const char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        while (UART0->state & SEND_FULL) {}
        UART0->data = (uint8_t)bytes[i];
    }
}
