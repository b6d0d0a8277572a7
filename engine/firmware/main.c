// Sentences in by the serial line, one a line; intents out, one JSON line each (ingle.h says which).
//   SENTENCE           → {"text": …, "intents": […], "confidence": …}
//   @asked SENTENCE    the same, where a question was put that this may answer
//   @status            → {"ingle": "3.0.0", …}: version, and what the last sentence took; told at the start, too
// A line that is longer than the room for it is answered with an error, as is one that cannot be understood at all.
#include <string.h>

#include "../kernels/ingle.h"
#include "board.h"

enum { N_CTX = 256, BATCH = 4, JSON_BYTES = 8192 };

#ifndef ARENA_BYTES
#define ARENA_BYTES (484 * 1024)            // 512 KB of RAM, less lines, stack and what the C library keeps
#endif

extern const uint8_t pack_begin[], pack_end[];

static _Alignas(64) uint8_t arena[ARENA_BYTES];
static char line[INGLE_MAX_TEXT + 1];
static char json[JSON_BYTES];
static ingle_interpreter *interpreter;
static uint64_t opened_ticks, last_ticks;

static void tell(const char *text) { serial_write(text, strlen(text)); }

static void tell_number(const char *name, uint64_t n) {
    char digits[21] = {0};
    size_t at = 20;
    do digits[--at] = (char)('0' + n % 10), n /= 10;
    while (n);
    tell(name);
    tell(digits + at);
}

static void tell_error(const char *what) {
    tell("{\"error\": \"");
    tell(what);
    tell("\"}\n");
}

static void tell_status(void) {
    tell_number("{\"ingle\": \"", (uint64_t)(ingle_version() >> 16));
    tell_number(".", (uint64_t)(ingle_version() >> 8 & 255));
    tell_number(".", (uint64_t)(ingle_version() & 255));
    tell("\", \"kernels\": \"");
    tell(ingle_variant(0));
    tell_number("\", \"n_ctx\": ", N_CTX);
    tell_number(", \"pack_bytes\": ", (uint64_t)(pack_end - pack_begin));
    tell_number(", \"arena_bytes\": ", sizeof arena);
    tell_number(", \"stack_bytes\": ", stack_room());
    tell_number(", \"stack_peak\": ", stack_peak());
    tell_number(", \"opened_ticks\": ", opened_ticks);
    tell_number(", \"ticks\": ", last_ticks);
    tell("}\n");
}

static void answer(const char *text, size_t n, int asked) {
    const uint64_t began = ticks();
    const int wrong = ingle_interpret(interpreter, text, n, asked, json, sizeof json);
    last_ticks = ticks() - began;
    if (wrong) tell_error(wrong == INGLE_NO_ROOM ? "the answer is too long" : "the model fails");
    else tell(json), tell("\n");
}

// A line without its end. Returns its bytes, or -1 where it is too long.
static int read_line(void) {
    size_t n = 0;
    for (int byte; (byte = serial_read()) != '\n';) {
        if (byte == '\r') continue;
        if (n < INGLE_MAX_TEXT) line[n] = (char)byte;
        n++;
    }
    line[n < INGLE_MAX_TEXT ? n : INGLE_MAX_TEXT] = 0;
    return n <= INGLE_MAX_TEXT ? (int)n : -1;
}

static int starts(const char *with) { return strncmp(line, with, strlen(with)) == 0; }

int main(void) {
    paint_stack();
    serial_open();
    const ingle_settings settings = {pack_begin, (size_t)(pack_end - pack_begin), NULL, N_CTX, BATCH, 0};
    const int wrong = ingle_interpreter_open(&settings, arena, sizeof arena, &interpreter);
    opened_ticks = ticks();
    while (wrong) {
        read_line();
        tell_error(wrong == INGLE_BAD_ARENA ? "the model needs a larger arena" : "there is no model that this can run");
    }
    tell_status();
    for (;;) {
        const int n = read_line();
        if (n < 0) tell_error("the line is too long");
        else if (starts("@status")) tell_status();
        else if (starts("@asked ")) answer(line + 7, (size_t)n - 7, 1);
        else if (n > 0) answer(line, (size_t)n, 0);
    }
}
