// A whole program around Ingle's C core: intents of the sentences it is given, without Python and without a heap.
//   cc -std=c11 example.c ../kernels/{forward,pool,dispatch,variant_c,interpret,words,spell,cursor}.c -lm -lpthread
//   ./a.out ingle.pack "turn off the kitchen lights"         (`ingle model pack` writes the pack)
#include <stdio.h>
#include <string.h>

#include "../kernels/ingle.h"

// One room for each thing, for as long as the program runs. On a board the pack would be in flash instead.
static _Alignas(64) unsigned char pack[64 << 20], arena[4 << 20];

static size_t read_file(const char *path, void *to, size_t room) {
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    const size_t n = fread(to, 1, room, file);
    fclose(file);
    return n;
}

int main(int n_arguments, char **arguments) {
    if (n_arguments < 2 || ingle_version() >> 16 != INGLE_VERSION_MAJOR) return 2;

    const ingle_settings settings = {
        .pack = pack, .n_bytes = read_file(arguments[1], pack, sizeof pack), .n_ctx = 256, .max_batch = 4,
    };
    const size_t needed = ingle_interpreter_bytes(&settings);
    ingle_interpreter *interpreter;
    if (!needed || ingle_interpreter_open(&settings, arena, sizeof arena, &interpreter) != INGLE_OK) {
        fprintf(stderr, "%s is no pack of this version, or needs a larger arena (%zu bytes)\n", arguments[1], needed);
        return 1;
    }

    for (int i = 2; i < n_arguments; i++) {
        static char json[8192];
        if (ingle_interpret(interpreter, arguments[i], strlen(arguments[i]), 0, json, sizeof json) == INGLE_OK) puts(json);
    }
    ingle_interpreter_close(interpreter);
    return 0;
}
