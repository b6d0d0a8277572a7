// The forward pass of engine/reference.py, in place on the file's bytes. T is the number of tokens of a batch.
//
// Every thread runs `pass`, top to bottom. Each step is a phase (pool.h): where a matrix is multiplied, the threads take
// its rows a few panels at a time. A panel's results are finished where they are: turned and put into the cache, added
// to the residual, or gated, so that nothing makes a second trip through memory.
#include <float.h>
#include <math.h>

#include "arena.h"
#include "blocks.h"
#include "kernels_table.h"
#include "pool.h"

enum { FEW = 2 };              // up to so many tokens each thread prepares for itself: cheaper than to meet

// One thread's own buffers.
typedef struct {
    activations few;           // [FEW] tokens
    float *few_normed;         // [FEW][n_embd]
    void *panel;               // an unpacked panel of the widest matrix
    uint8_t *gathered;         // [lanes] rows of the widest matrix
    float *out[2];             // [max_batch][lanes]
} desk;

struct ingle_engine {
    const ingle_model *model;
    const kernels *kernels;
    pool *pool;
    phase *phases;             // [n_phases]
    desk *desks;               // [n_threads]
    size_t max_batch;
    // Buffers that all threads share. B is max_batch.
    float *x;                  // [B][n_embd]             the residual
    float *q;                  // [B][n_head * head_dim]  queries, turned
    float *k, *v;              // [B][n_head_kv * head_dim]   for a cache of int8
    float *mixed;              // [B][n_head * head_dim]  what attention found
    float *hidden;             // [B][n_ff]
    float *turns;              // [B][n_rot]              cos, sin of each pair's angle
    activations many;          // [B] tokens
    float *many_normed;        // [B][n_embd]
    // The call in progress.
    const int32_t *tokens;     // [T]; or the ids whose scores are wanted
    size_t n_tokens, n_past;
    const ingle_cache *cache;
    const float *output;       // [n_embd], for scores
    float *scores;
    size_t n_scores, slide_to, slide_by;
};

typedef struct {
    struct ingle_engine *engine;
    desk *desk;
    place at;                  // the phase it is in
} worker;

enum { PHASES_PER_LAYER = 10 };// at most: four preparations, and the six steps

static worker start_work(struct ingle_engine *e, int thread) {
    return (worker){e, &e->desks[thread], pool_first_phase(e->pool)};
}

static size_t at_most(size_t a, size_t b) { return a < b ? a : b; }
static size_t at_least(size_t a, size_t b) { return a > b ? a : b; }

static size_t q_rows(const ingle_model *m) { return (size_t)(m->n_head * m->head_dim); }
static size_t kv_rows(const ingle_model *m) { return (size_t)(m->n_head_kv * m->head_dim); }
static size_t widest(const ingle_model *m) {
    return at_least((size_t)m->n_embd, at_least((size_t)m->n_ff, q_rows(m)));
}

// ---- the cache ----

static size_t cache_positions(int64_t n_ctx) { return round_up((size_t)n_ctx, POSITIONS); }
static size_t v_stride(size_t head_dim) { return round_up(head_dim, POSITIONS); }

size_t ingle_cache_elements(const ingle_model *m, int64_t n_ctx) {
    return (size_t)(m->n_layer * m->n_head_kv) * cache_positions(n_ctx) * v_stride((size_t)m->head_dim);
}

size_t ingle_cache_scales(const ingle_model *m, int64_t n_ctx) {
    return (size_t)(m->n_layer * m->n_head_kv) * cache_positions(n_ctx);
}

// Where in a cache a head's position stands: its scales, its key's number d, its value's first number.
static size_t row_at(const ingle_cache *c, size_t head, size_t position) {
    return head * cache_positions(c->n_ctx) + position;
}
static size_t key_at(const ingle_cache *c, size_t head, size_t dim, size_t position, size_t d) {
    return (row_at(c, head, position) / POSITIONS * dim + d) * POSITIONS + position % POSITIONS;
}
static size_t value_at(const ingle_cache *c, size_t head, size_t dim, size_t position) {
    return row_at(c, head, position) * v_stride(dim);
}

static head_cache head_of(const ingle_cache *c, size_t head, size_t dim) {
    const size_t size = c->k_scale ? sizeof(int8_t) : sizeof(uint16_t), row = row_at(c, head, 0);
    return (head_cache){
        .k = (const uint8_t *)c->k + key_at(c, head, dim, 0, 0) * size,
        .v = (const uint8_t *)c->v + value_at(c, head, dim, 0) * size,
        .k_scale = c->k_scale ? c->k_scale + row : NULL,
        .v_scale = c->v_scale ? c->v_scale + row : NULL,
    };
}

// Numbers as int8, in steps of the largest / 127, which is returned. Each goes to to[i * stride].
static float round_to_int8(const float *x, size_t n, int8_t *to, size_t stride) {
    float largest = 0;
    for (size_t i = 0; i < n; i++) largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
    const float scale = largest / 127, inverse = scale > FLT_MIN ? 1 / scale : 0;
    for (size_t i = 0; i < n; i++) to[i * stride] = (int8_t)((x[i] * inverse + 0x1.8p23f) - 0x1.8p23f);    // to the nearest
    return scale;
}

static void keep_key(const ingle_cache *c, size_t head, size_t dim, size_t position, const float *k) {
    const size_t at = key_at(c, head, dim, position, 0);
    if (c->k_scale) {
        c->k_scale[row_at(c, head, position)] = round_to_int8(k, dim, (int8_t *)c->k + at, POSITIONS);
        return;
    }
    for (size_t d = 0; d < dim; d++) ((uint16_t *)c->k)[at + d * POSITIONS] = f16_of_f32(k[d]);
}

static void kept_key(const ingle_cache *c, size_t head, size_t dim, size_t position, float *k) {
    const size_t at = key_at(c, head, dim, position, 0);
    for (size_t d = 0; d < dim; d++) {
        if (c->k_scale) k[d] = ((const int8_t *)c->k)[at + d * POSITIONS] * c->k_scale[row_at(c, head, position)];
        else k[d] = f32_of_f16(((const uint16_t *)c->k)[at + d * POSITIONS]);
    }
}

static void keep_value(const ingle_cache *c, size_t head, size_t dim, size_t position, const float *v) {
    const size_t at = value_at(c, head, dim, position);
    if (c->v_scale) {
        c->v_scale[row_at(c, head, position)] = round_to_int8(v, dim, (int8_t *)c->v + at, 1);
        return;
    }
    for (size_t d = 0; d < dim; d++) ((uint16_t *)c->v)[at + d] = f16_of_f32(v[d]);
}

int ingle_remember(const ingle_cache *c, int64_t head_dim, int64_t first, int64_t n, const float *k, const float *v) {
    const size_t dim = (size_t)head_dim;
    for (size_t t = 0; t < (size_t)n; t++) {
        keep_key(c, 0, dim, (size_t)first + t, k + t * dim);
        keep_value(c, 0, dim, (size_t)first + t, v + t * dim);
    }
    return INGLE_OK;
}

// ---- a matrix times the tokens ----

// What a matmul multiplies: the rows of x, normed where there is a norm, as floats and as int8. Many tokens are made
// ready in a phase of their own; few by each thread for itself, once it has got something to multiply them with.
typedef struct {
    activations a;
    const float *x, *norm;
    float *normed;
    bool ready;
} operand;

static void prepare_rows(const worker *w, operand *o, size_t begin, size_t end) {
    const kernels *k = w->engine->kernels;
    const size_t n_cols = o->a.n_cols;
    for (size_t t = begin; t < end; t++) {
        if (o->norm) k->rms_norm(o->x + t * n_cols, o->norm, w->engine->model->rms_eps, o->normed + t * n_cols, n_cols);
        if (n_cols % BLOCK == 0) k->quantize(&o->a, t);
    }
}

static operand prepare(worker *w, const float *x, const float *norm, size_t n_cols) {
    struct ingle_engine *e = w->engine;
    const bool few = e->n_tokens <= FEW;
    operand o = {few ? w->desk->few : e->many, x, norm, few ? w->desk->few_normed : e->many_normed, !few};
    o.a.n_cols = n_cols;
    o.a.x = norm ? o.normed : x;
    size_t begin, end;
    while (!few && pool_take(&w->at, e->n_tokens, 1, &begin, &end)) prepare_rows(w, &o, begin, end);
    return o;
}

static const activations *ready(const worker *w, operand *o) {
    if (!o->ready) prepare_rows(w, o, 0, w->engine->n_tokens);
    o->ready = true;
    return &o->a;
}

// out[t][lanes] = W x[t] for the panel that begins at `row`. Past the last row stand zeros. Returns its real rows.
static size_t panel(worker *w, const ingle_matrix *m, size_t row, const activations *a, float *out) {
    const kernels *k = w->engine->kernels;
    const size_t row_bytes = ingle_row_bytes(m->dtype, m->n_cols), n = at_most(k->lanes, (size_t)m->n_rows - row);
    const uint8_t *rows = (const uint8_t *)m->data + row * row_bytes;
    if (n < k->lanes) {
        memcpy(w->desk->gathered, rows, n * row_bytes);
        memset(w->desk->gathered + n * row_bytes, 0, (k->lanes - n) * row_bytes);
        rows = w->desk->gathered;
    }
    k->matmul(m->dtype, rows, row_bytes, a, w->engine->n_tokens, out, w->desk->panel);
    return n;
}

static size_t n_panels(const worker *w, const ingle_matrix *m) {
    return ((size_t)m->n_rows + w->engine->kernels->lanes - 1) / w->engine->kernels->lanes;
}

// Take the next panels of n: few enough at once that the threads end together.
static bool take_panels(worker *w, size_t n, size_t *begin, size_t *end) {
    return pool_take(&w->at, n, at_least(1, n / ((size_t)w->engine->pool->n_threads * 6)), begin, end);
}

// ---- the steps ----

static void embed(worker *w) {
    struct ingle_engine *e = w->engine;
    const ingle_matrix *m = &e->model->token_embd;
    const size_t n_embd = (size_t)e->model->n_embd, n_rot = (size_t)e->model->n_rot;
    size_t begin, end;
    while (pool_take(&w->at, e->n_tokens, 1, &begin, &end)) {
        const uint8_t *row = (const uint8_t *)m->data + (size_t)e->tokens[begin] * ingle_row_bytes(m->dtype, m->n_cols);
        e->kernels->decode_row(m->dtype, row, e->x + begin * n_embd, n_embd);
        for (size_t i = 0; i < n_rot / 2; i++) {
            const double angle = (double)(e->n_past + begin) * e->model->rope_freqs[i];
            e->turns[begin * n_rot + 2 * i] = (float)cos(angle);
            e->turns[begin * n_rot + 2 * i + 1] = (float)sin(angle);
        }
    }
}

// Turn the pairs of rows row..row+n of all heads by their token's angles. Rows of a head begin at an even one.
static void turn(const struct ingle_engine *e, size_t row, size_t n, float *out) {
    const size_t head_dim = (size_t)e->model->head_dim, n_rot = (size_t)e->model->n_rot, lanes = e->kernels->lanes;
    for (size_t t = 0; t < e->n_tokens; t++, out += lanes)
        for (size_t i = 0; i < n; i += 2) {
            const size_t d = (row + i) % head_dim;
            if (d >= n_rot) continue;
            const float *angle = e->turns + t * n_rot + d, even = out[i], odd = out[i + 1];
            out[i] = even * angle[0] - odd * angle[1];
            out[i + 1] = even * angle[1] + odd * angle[0];
        }
}

// Keys or values of some rows, as float16: each where it belongs.
static void keep_halves(const struct ingle_engine *e, bool keys, size_t layer, size_t row, size_t n, const float *out) {
    const size_t dim = (size_t)e->model->head_dim, lanes = e->kernels->lanes;
    const ingle_cache *c = e->cache;
    for (size_t i = 0; i < n; i++) {
        const size_t head = layer * (size_t)e->model->n_head_kv + (row + i) / dim, d = (row + i) % dim;
        for (size_t t = 0; t < e->n_tokens; t++) {
            const uint16_t half = f16_of_f32(out[t * lanes + i]);
            if (keys) ((uint16_t *)c->k)[key_at(c, head, dim, e->n_past + t, d)] = half;
            else ((uint16_t *)c->v)[value_at(c, head, dim, e->n_past + t) + d] = half;
        }
    }
}

// Rows row..row+n of the results go to their place in to[t][stride].
static void put(const struct ingle_engine *e, float *to, size_t stride, size_t row, size_t n, const float *out) {
    for (size_t t = 0; t < e->n_tokens; t++)
        memcpy(to + t * stride + row, out + t * e->kernels->lanes, n * sizeof(float));
}

static void queries_keys_values(worker *w, size_t index, const ingle_layer *layer) {
    struct ingle_engine *e = w->engine;
    operand x = prepare(w, e->x, layer->attn_norm, (size_t)e->model->n_embd);
    const size_t n_q = n_panels(w, &layer->attn_q), n_kv = n_panels(w, &layer->attn_k), lanes = e->kernels->lanes;
    const bool int8 = e->cache->k_scale != NULL;        // rounded when the whole head is there
    float *out = w->desk->out[0];
    size_t begin, end;
    while (take_panels(w, n_q + 2 * n_kv, &begin, &end))
        for (size_t i = begin; i < end; i++) {
            if (i < n_q) {
                const size_t row = i * lanes, n = panel(w, &layer->attn_q, row, ready(w, &x), out);
                turn(e, row, n, out);
                put(e, e->q, q_rows(e->model), row, n, out);
            } else if (i < n_q + n_kv) {
                const size_t row = (i - n_q) * lanes, n = panel(w, &layer->attn_k, row, ready(w, &x), out);
                turn(e, row, n, out);
                if (int8) put(e, e->k, kv_rows(e->model), row, n, out);
                else keep_halves(e, true, index, row, n, out);
            } else {
                const size_t row = (i - n_q - n_kv) * lanes, n = panel(w, &layer->attn_v, row, ready(w, &x), out);
                if (int8) put(e, e->v, kv_rows(e->model), row, n, out);
                else keep_halves(e, false, index, row, n, out);
            }
        }
}

static void remember(worker *w, size_t layer) {
    const struct ingle_engine *e = w->engine;
    const size_t n_heads = (size_t)e->model->n_head_kv, dim = (size_t)e->model->head_dim;
    size_t head, end;
    while (pool_take(&w->at, n_heads, 1, &head, &end))
        for (size_t t = 0; t < e->n_tokens; t++) {
            keep_key(e->cache, layer * n_heads + head, dim, e->n_past + t, e->k + (t * n_heads + head) * dim);
            keep_value(e->cache, layer * n_heads + head, dim, e->n_past + t, e->v + (t * n_heads + head) * dim);
        }
}

static void mix(worker *w, size_t layer) {
    struct ingle_engine *e = w->engine;
    const ingle_model *m = e->model;
    const size_t n_head = (size_t)m->n_head, head_dim = (size_t)m->head_dim, stride = q_rows(m);
    const size_t n_tiles = (e->n_tokens + QUERY_TILE - 1) / QUERY_TILE;
    size_t unit, end;
    while (pool_take(&w->at, n_head * n_tiles, 1, &unit, &end)) {
        const size_t head = unit % n_head, first = unit / n_head * QUERY_TILE;
        const size_t shared = layer * (size_t)m->n_head_kv + head / (size_t)(m->n_head / m->n_head_kv);
        const size_t at = first * stride + head * head_dim;
        const head_cache seen = head_of(e->cache, shared, head_dim);
        e->kernels->attend(e->q + at, stride, at_most(QUERY_TILE, e->n_tokens - first), &seen, head_dim,
                           e->n_past + first, e->mixed + at);
    }
}

// x += W from
static void add_product(worker *w, const ingle_matrix *m, const float *from) {
    struct ingle_engine *e = w->engine;
    operand x = prepare(w, from, NULL, (size_t)m->n_cols);
    const size_t lanes = e->kernels->lanes, n_embd = (size_t)e->model->n_embd;
    float *out = w->desk->out[0];
    size_t begin, end;
    while (take_panels(w, n_panels(w, m), &begin, &end))
        for (size_t i = begin; i < end; i++) {
            const size_t n = panel(w, m, i * lanes, ready(w, &x), out);
            for (size_t t = 0; t < e->n_tokens; t++)
                e->kernels->add(e->x + t * n_embd + i * lanes, out + t * lanes, n);
        }
}

// hidden = silu(gate) * up
static void gate_and_up(worker *w, const ingle_layer *layer) {
    struct ingle_engine *e = w->engine;
    operand x = prepare(w, e->x, layer->ffn_norm, (size_t)e->model->n_embd);
    const size_t lanes = e->kernels->lanes;
    float *gate = w->desk->out[0], *up = w->desk->out[1];
    size_t begin, end;
    while (take_panels(w, n_panels(w, &layer->ffn_gate), &begin, &end))
        for (size_t i = begin; i < end; i++) {
            const size_t n = panel(w, &layer->ffn_gate, i * lanes, ready(w, &x), gate);
            panel(w, &layer->ffn_up, i * lanes, ready(w, &x), up);
            e->kernels->swiglu(gate, up, e->n_tokens * lanes);
            put(e, e->hidden, (size_t)e->model->n_ff, i * lanes, n, gate);
        }
}

static void pass(void *engine, int thread) {
    struct ingle_engine *e = engine;
    worker w = start_work(e, thread);
    embed(&w);
    for (size_t i = 0; i < (size_t)e->model->n_layer; i++) {
        const ingle_layer *layer = &e->model->layers[i];
        queries_keys_values(&w, i, layer);
        if (e->cache->k_scale) remember(&w, i);
        mix(&w, i);
        add_product(&w, &layer->attn_output, e->mixed);
        gate_and_up(&w, layer);
        add_product(&w, &layer->ffn_down, e->hidden);
    }
}

// ---- scores ----

static void score(void *engine, int thread) {
    struct ingle_engine *e = engine;
    worker w = start_work(e, thread);
    const ingle_matrix *m = &e->model->output;
    const size_t lanes = e->kernels->lanes, row_bytes = ingle_row_bytes(m->dtype, m->n_cols);
    const size_t total = (e->n_scores + lanes - 1) / lanes;
    operand x = prepare(&w, e->output, NULL, (size_t)m->n_cols);
    size_t begin, end;
    while (take_panels(&w, total, &begin, &end))
        for (size_t i = begin; i < end; i++) {
            const size_t n = at_most(lanes, e->n_scores - i * lanes);
            ingle_matrix rows = *m;
            if (e->tokens == NULL) {
                panel(&w, &rows, i * lanes, ready(&w, &x), w.desk->out[0]);
            } else {                        // rows that lie apart, side by side
                for (size_t r = 0; r < lanes; r++) {
                    const size_t id = (size_t)e->tokens[i * lanes + at_most(r, n - 1)];
                    memcpy(w.desk->gathered + r * row_bytes, (const uint8_t *)m->data + id * row_bytes, row_bytes);
                }
                rows.data = w.desk->gathered;
                rows.n_rows = (int64_t)lanes;
                panel(&w, &rows, 0, ready(&w, &x), w.desk->out[0]);
            }
            memcpy(e->scores + i * lanes, w.desk->out[0], n * sizeof(float));
        }
}

// ---- sliding ----

// Turn a key back by the angles of so many positions.
static void turn_back(const struct ingle_engine *e, float *k) {
    for (size_t d = 0; d < (size_t)e->model->n_rot; d += 2) {
        const float c = e->turns[d], s = e->turns[d + 1], even = k[d], odd = k[d + 1];
        k[d] = even * c + odd * s;
        k[d + 1] = odd * c - even * s;
    }
}

static void slide(void *engine, int thread) {
    struct ingle_engine *e = engine;
    worker w = start_work(e, thread);
    const ingle_cache *c = e->cache;
    const size_t dim = (size_t)e->model->head_dim, n_heads = (size_t)(e->model->n_layer * e->model->n_head_kv);
    const size_t to = e->slide_to, from = to + e->slide_by, n = e->n_past - from;
    const size_t row_bytes = v_stride(dim) * (c->k_scale ? sizeof(int8_t) : sizeof(uint16_t));
    float key[INGLE_MAX_HEAD_DIM];
    size_t head, end;
    while (pool_take(&w.at, n_heads, 1, &head, &end)) {
        for (size_t i = 0; i < n; i++) {
            kept_key(c, head, dim, from + i, key);
            turn_back(e, key);
            keep_key(c, head, dim, to + i, key);
        }
        uint8_t *values = (uint8_t *)c->v + row_at(c, head, 0) * row_bytes;
        memmove(values + to * row_bytes, values + from * row_bytes, n * row_bytes);
        if (!c->v_scale) continue;
        float *scales = c->v_scale + row_at(c, head, 0);
        memmove(scales + to, scales + from, n * sizeof(float));
    }
}

// ---- the arena ----

static activations part_activations(arena *a, size_t n_tokens, size_t n_cols) {
    const size_t n_blocks = round_up(n_cols, BLOCK) / BLOCK;
    return (activations){
        .q = part(a, n_tokens * n_blocks * BLOCK),
        .scale = part(a, n_tokens * n_blocks * sizeof(float)),
        .scaled_sum = part(a, n_tokens * n_blocks * sizeof(float)),
        .minus_8_sums = part(a, n_tokens * n_blocks * sizeof(int32_t)),
    };
}

static size_t widest_row_bytes(const ingle_model *m) { return widest(m) * sizeof(float); }

static void part_desk(arena *a, desk *d, const ingle_model *m, size_t lanes, size_t max_batch) {
    desk here;
    here.few = part_activations(a, FEW, widest(m));
    here.few_normed = part(a, FEW * (size_t)m->n_embd * sizeof(float));
    here.panel = part(a, panel_bytes(lanes, widest(m)));
    here.gathered = part(a, lanes * widest_row_bytes(m));
    here.out[0] = part(a, max_batch * lanes * sizeof(float));
    here.out[1] = part(a, max_batch * lanes * sizeof(float));
    if (d) *d = here;
}

static size_t n_phases(const ingle_model *m) { return 1 + (size_t)m->n_layer * PHASES_PER_LAYER; }

// Lay out an engine; `e` stays untouched where there is no arena.
static size_t lay_out(uint8_t *base, const ingle_model *m, const kernels *k, int n_threads, size_t max_batch,
                      ingle_engine **found) {
    arena a = {base, 0};
    ingle_engine *e = part(&a, sizeof *e);
    ingle_engine here = {.model = m, .kernels = k, .max_batch = max_batch};
    here.pool = part(&a, pool_bytes(n_threads));
    here.phases = part(&a, n_phases(m) * sizeof(phase));
    here.desks = part(&a, (size_t)n_threads * sizeof(desk));
    here.x = part(&a, max_batch * (size_t)m->n_embd * sizeof(float));
    here.q = part(&a, max_batch * q_rows(m) * sizeof(float));
    here.k = part(&a, max_batch * kv_rows(m) * sizeof(float));
    here.v = part(&a, max_batch * kv_rows(m) * sizeof(float));
    here.mixed = part(&a, max_batch * q_rows(m) * sizeof(float));
    here.hidden = part(&a, max_batch * (size_t)m->n_ff * sizeof(float));
    here.turns = part(&a, max_batch * (size_t)m->n_rot * sizeof(float));
    here.many = part_activations(&a, max_batch, widest(m));
    here.many_normed = part(&a, max_batch * (size_t)m->n_embd * sizeof(float));
    for (int i = 0; i < n_threads; i++)
        part_desk(&a, here.desks ? &here.desks[i] : NULL, m, k->lanes, max_batch);
    if (e) *e = here;
    if (found) *found = e;
    return a.used;
}

// ---- what may be asked ----

static bool sound(const ingle_matrix *m, int64_t n_rows, int64_t n_cols) {
    const size_t aligned = m->dtype == INGLE_F32 ? 4 : 2;
    return m->data && m->n_rows == n_rows && m->n_cols == n_cols && n_rows > 0 && n_rows < INT32_MAX &&
           (uintptr_t)m->data % aligned == 0 && ingle_row_bytes(m->dtype, n_cols) > 0;
}

static bool sound_layer(const ingle_layer *l, const ingle_model *m) {
    const int64_t n_q = (int64_t)q_rows(m), n_kv = (int64_t)kv_rows(m), n_embd = m->n_embd, n_ff = m->n_ff;
    return l->attn_norm && l->ffn_norm && sound(&l->attn_q, n_q, n_embd) && sound(&l->attn_k, n_kv, n_embd) &&
           sound(&l->attn_v, n_kv, n_embd) && sound(&l->attn_output, n_embd, n_q) &&
           sound(&l->ffn_gate, n_ff, n_embd) && sound(&l->ffn_up, n_ff, n_embd) && sound(&l->ffn_down, n_embd, n_ff);
}

static bool in(int64_t n, int64_t least, int64_t most) { return n >= least && n <= most; }

static bool sound_model(const ingle_model *m) {
    const int64_t most = 1 << 24;
    if (!in(m->n_embd, 1, most) || !in(m->n_ff, 1, most) || !in(m->n_layer, 1, 1 << 16) || !in(m->n_head, 1, 1 << 16) ||
        !in(m->n_head_kv, 1, m->n_head) || !in(m->head_dim, 2, INGLE_MAX_HEAD_DIM) || !in(m->n_rot, 0, m->head_dim))
        return false;
    if (m->n_head % m->n_head_kv || m->head_dim % 2 || m->n_rot % 2 || !m->output_norm || !m->rope_freqs) return false;
    if (!sound(&m->token_embd, m->n_vocab, m->n_embd) || !sound(&m->output, m->n_vocab, m->n_embd)) return false;
    for (int64_t i = 0; i < m->n_layer; i++)
        if (!sound_layer(&m->layers[i], m)) return false;
    return true;
}

int ingle_version(void) { return INGLE_VERSION; }

size_t ingle_arena_bytes(const ingle_model *m, const char *variant, int n_threads, int max_batch) {
    const kernels *k = ingle_kernels(variant);
    if (!k || !sound_model(m) || !in(n_threads, 1, INGLE_MAX_THREADS) || !in(max_batch, 1, INGLE_MAX_BATCH)) return 0;
    return lay_out(NULL, m, k, n_threads, (size_t)max_batch, NULL);
}

int ingle_open(const ingle_model *m, const char *variant, int n_threads, int max_batch, void *memory, size_t n_bytes,
               ingle_engine **engine) {
    const kernels *k = ingle_kernels(variant);
    if (!k) return INGLE_BAD_VARIANT;
    const size_t needed = ingle_arena_bytes(m, variant, n_threads, max_batch);
    if (needed == 0) return INGLE_BAD_MODEL;
    if (n_bytes < needed || (uintptr_t)memory % CACHE_LINE) return INGLE_BAD_ARENA;
    lay_out(memory, m, k, n_threads, (size_t)max_batch, engine);
    return pool_start((*engine)->pool, n_threads, (*engine)->phases, n_phases(m)) ? INGLE_OK : INGLE_NO_THREADS;
}

void ingle_close(ingle_engine *e) { pool_stop(e->pool); }

static bool known(const ingle_model *m, const int32_t *ids, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= m->n_vocab) return false;
    return n > 0;
}

int ingle_prefill(ingle_engine *e, const int32_t *tokens, int64_t n_tokens, const ingle_cache *cache, int64_t n_past,
                  float *output) {
    if (!known(e->model, tokens, n_tokens) || n_past < 0 || n_past > cache->n_ctx - n_tokens) return INGLE_BAD_TOKENS;
    e->cache = cache;
    e->n_past = (size_t)n_past;
    for (size_t left = (size_t)n_tokens; left; left -= e->n_tokens, tokens += e->n_tokens, e->n_past += e->n_tokens) {
        e->tokens = tokens;
        e->n_tokens = at_most(left, e->max_batch);
        pool_run(e->pool, pass, e);
    }
    const size_t n_embd = (size_t)e->model->n_embd;
    e->kernels->rms_norm(e->x + (e->n_tokens - 1) * n_embd, e->model->output_norm, e->model->rms_eps, output, n_embd);
    return INGLE_OK;
}

int ingle_logits(ingle_engine *e, const float *output, const int32_t *ids, int64_t n, float *scores) {
    if (ids ? !known(e->model, ids, n) : !in(n, 1, e->model->n_vocab)) return INGLE_BAD_TOKENS;
    e->tokens = ids;
    e->n_tokens = 1;
    e->output = output;
    e->scores = scores;
    e->n_scores = (size_t)n;
    pool_run(e->pool, score, e);
    return INGLE_OK;
}

int ingle_slide(ingle_engine *e, const ingle_cache *cache, int64_t n_past, int64_t first, int64_t n_dropped) {
    if (!in(n_past, 0, cache->n_ctx) || !in(n_dropped, 0, n_past) || !in(first, 0, n_past - n_dropped))
        return INGLE_BAD_TOKENS;
    for (size_t i = 0; i < (size_t)e->model->n_rot / 2; i++) {
        e->turns[2 * i] = (float)cos((double)n_dropped * e->model->rope_freqs[i]);
        e->turns[2 * i + 1] = (float)sin((double)n_dropped * e->model->rope_freqs[i]);
    }
    e->cache = cache;
    e->n_past = (size_t)n_past;
    e->slide_to = (size_t)first;
    e->slide_by = (size_t)n_dropped;
    pool_run(e->pool, slide, e);
    return INGLE_OK;
}

// ---- single kernels ----

// An engine's worth of matmul on one thread: one desk, one matrix.
static size_t matmul_layout(uint8_t *base, const ingle_matrix *w, size_t n_tokens, size_t lanes, desk *d, activations *many) {
    const size_t n_cols = (size_t)w->n_cols;
    arena a = {base, 0};
    *many = part_activations(&a, n_tokens, n_cols);
    many->n_cols = n_cols;
    d->panel = part(&a, panel_bytes(lanes, n_cols));
    d->gathered = part(&a, lanes * ingle_row_bytes(w->dtype, w->n_cols));
    d->out[0] = part(&a, n_tokens * lanes * sizeof(float));
    return a.used;
}

size_t ingle_matmul_scratch(const ingle_matrix *w, int64_t n_tokens) {
    desk d;
    activations a;
    return matmul_layout(NULL, w, (size_t)n_tokens, 16, &d, &a);
}

int ingle_matmul(const char *variant, const ingle_matrix *w, const float *x, int64_t n_tokens, float *y, void *scratch) {
    const kernels *k = ingle_kernels(variant);
    if (!k) return INGLE_BAD_VARIANT;
    if (!sound(w, w->n_rows, w->n_cols)) return INGLE_BAD_MODEL;
    desk d;
    activations a;
    matmul_layout(scratch, w, (size_t)n_tokens, k->lanes, &d, &a);
    a.x = x;
    for (size_t t = 0; t < (size_t)n_tokens && w->n_cols % BLOCK == 0; t++) k->quantize(&a, t);
    ingle_engine e = {.kernels = k, .n_tokens = (size_t)n_tokens};
    worker one = {.engine = &e, .desk = &d};
    for (size_t row = 0; row < (size_t)w->n_rows; row += k->lanes)
        put(&e, y, (size_t)w->n_rows, row, panel(&one, w, row, &a, d.out[0]), d.out[0]);
    return INGLE_OK;
}

int ingle_rms_norm(const char *variant, const float *x, const float *weight, double eps, float *y, int64_t n) {
    const kernels *k = ingle_kernels(variant);
    if (!k) return INGLE_BAD_VARIANT;
    k->rms_norm(x, weight, eps, y, (size_t)n);
    return INGLE_OK;
}

int ingle_swiglu(const char *variant, float *gate, const float *up, int64_t n) {
    const kernels *k = ingle_kernels(variant);
    if (!k) return INGLE_BAD_VARIANT;
    k->swiglu(gate, up, (size_t)n);
    return INGLE_OK;
}

int ingle_attend(const char *variant, const float *q, const ingle_cache *cache, int64_t head_dim, int64_t first,
                 int64_t n_new, float *out) {
    const kernels *k = ingle_kernels(variant);
    if (!k) return INGLE_BAD_VARIANT;
    if (!in(head_dim, 1, INGLE_MAX_HEAD_DIM)) return INGLE_BAD_MODEL;
    const size_t dim = (size_t)head_dim;
    const head_cache seen = head_of(cache, 0, dim);
    for (size_t t = 0; t < (size_t)n_new; t += QUERY_TILE)
        k->attend(q + t * dim, dim, at_most(QUERY_TILE, (size_t)n_new - t), &seen, dim, (size_t)first + t, out + t * dim);
    return INGLE_OK;
}

int64_t ingle_integer_peak(const char *variant, int64_t n) {
    const kernels *k = ingle_kernels(variant);
    if (!k || n < 0) return 0;
    return k->dots((size_t)n) < 0 ? 0 : n * 8 * (int64_t)k->lanes * 8;
}
