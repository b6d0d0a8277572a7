// From reset to main on a Cortex-M4F: memory, floating point, the clock that counts what a command takes.
#include "board.h"

extern uint32_t data_begin[], data_end[], data_load[], bss_begin[], bss_end[], stack_begin[], stack_end[];

#define CPACR (*(volatile uint32_t *)0xe000ed88)
#define SYSTICK_CONTROL (*(volatile uint32_t *)0xe000e010)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xe000e014)
#define SYSTICK_NOW (*(volatile uint32_t *)0xe000e018)

enum { PAINT = 0x5afe5afe, TICKS = 1 << 24 };

int main(void);

static volatile uint32_t n_wraps;

static void tick(void) { n_wraps++; }

uint64_t ticks(void) {
    uint32_t wraps, now;
    do wraps = n_wraps, now = SYSTICK_NOW;
    while (wraps != n_wraps);
    return (uint64_t)wraps * TICKS + (TICKS - 1 - now);
}

static uint32_t *stack_now(void) {
    uint32_t *here;
    __asm__ volatile("mov %0, sp" : "=r"(here));
    return here;
}

void paint_stack(void) {
    for (uint32_t *word = stack_begin, *end = stack_now() - 32; word < end; word++) *word = PAINT;
}

size_t stack_peak(void) {
    const uint32_t *word = stack_begin;
    while (word < stack_end && *word == PAINT) word++;
    return (size_t)((const uint8_t *)stack_end - (const uint8_t *)word);
}

size_t stack_room(void) { return (size_t)((const uint8_t *)stack_end - (const uint8_t *)stack_begin); }

// Before this no float instruction may run, nor one that the compiler put into a copy loop.
static void enable_floats(void) {
    CPACR |= 0xfu << 20;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}

__attribute__((noreturn)) void reset(void) {
    enable_floats();
    for (uint32_t *to = data_begin, *from = data_load; to < data_end; to++, from++) *to = *from;
    for (uint32_t *to = bss_begin; to < bss_end; to++) *to = 0;
    SYSTICK_RELOAD = TICKS - 1;
    SYSTICK_NOW = 0;
    SYSTICK_CONTROL = 7;        // of the processor's clock, with an interrupt when it wraps
    main();
    for (;;) __asm__ volatile("wfi");
}

// A fault ends here; a debugger shows where it came from.
static void stop(void) {
    for (;;) {}
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_end, (const void *)reset, (const void *)stop, (const void *)stop, (const void *)stop, (const void *)stop, (const void *)stop,
    NULL, NULL, NULL, NULL, (const void *)stop, (const void *)stop, NULL, (const void *)stop, (const void *)tick,
};
