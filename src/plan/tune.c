// The table of what was chosen, and its file: a line for each choice, "KEY WAY".
#include "plan/tune.h"
#include "base/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND "tuning"

enum { MAX_ENTRIES = 4096, FULL_KEY_BYTES = sizeof(((struct gs__tuned *)0)->key) };

uint32_t gs__size_class(uint32_t size) {
    uint32_t class = 1;
    while (class < size && class < 1u << 31) class *= 2;
    return class;
}

static struct gs__tuned *find_entry(const gs__tuner *tuner, const char *key) {
    for (uint32_t i = 0; i < tuner->count; i++)
        if (strcmp(tuner->entries[i].key, key) == 0) return &tuner->entries[i];
    return NULL;
}

// Without memory, or when the table is full, nothing is added.
static void add_entry(gs__tuner *tuner, const char *key, const char *way) {
    if (tuner->count == MAX_ENTRIES) return;
    if (tuner->count == tuner->capacity) {
        const uint32_t capacity = tuner->capacity ? 2 * tuner->capacity : 32;
        struct gs__tuned *bigger = realloc(tuner->entries, capacity * sizeof *bigger);
        if (!bigger) return;
        tuner->entries = bigger;
        tuner->capacity = capacity;
    }
    struct gs__tuned *entry = &tuner->entries[tuner->count++];
    snprintf(entry->key, sizeof entry->key, "%s", key);
    snprintf(entry->way, sizeof entry->way, "%s", way);
}

void gs__tuner_parse(gs__tuner *tuner, char *text) {
    for (char *line = text; *line;) {
        char *end = line + strcspn(line, "\n"), *next = *end ? end + 1 : end;
        *end = 0;
        char *space = strchr(line, ' ');
        if (space && space - line < FULL_KEY_BYTES && end - space <= GS__WAY_NAME_BYTES) {
            *space = 0;
            if (!find_entry(tuner, line)) add_entry(tuner, line, space + 1);
        }
        line = next;
    }
}

static void load(gs__tuner *tuner, const gs__gpu *gpu) {
    char *text = NULL;
    size_t bytes = 0;
    if (gs__gpu_cache_read(gpu, KIND, &text, &bytes)) gs__tuner_parse(tuner, text);
    free(text);
}

void gs__tuner_save(gs__tuner *tuner, gs__gpu *gpu) {
    load(tuner, gpu);
    const size_t line_bytes = sizeof(struct gs__tuned) + 2;
    char *text = malloc(tuner->count * line_bytes + 1);
    if (!text) return;
    size_t used = 0;
    for (uint32_t i = 0; i < tuner->count; i++)
        used += (size_t)snprintf(text + used, line_bytes, "%s %s\n", tuner->entries[i].key, tuner->entries[i].way);
    gs__gpu_cache_write(gpu, KIND, text, used);
    free(text);
}

static void destroy(void *object) {
    gs__tuner *tuner = object;
    free(tuner->entries);
    free(tuner);
}

gs__tuner *gs__tuner_get(gs__gpu *gpu) {
    gs__attachment *attachment = gs__gpu_attachment(gpu);
    if (attachment->object) return attachment->object;
    gs__tuner *tuner = calloc(1, sizeof *tuner);
    if (!tuner) return NULL;
    const char *shaders = getenv("GRADSMITH_SHADER_DIR"); // other kernels than those that the keys stand for
    tuner->enabled = gs__gpu_has_cache(gpu) && !gs__gpu_options_of(gpu)->no_autotune && !(shaders && shaders[0]);
    tuner->left_ns = GS__TUNE_NS;
    tuner->forced = -1;
    if (tuner->enabled) load(tuner, gpu);
    *attachment = (gs__attachment){tuner, destroy};
    return tuner;
}

static uint64_t shader_hash(gs__tuner *tuner, const gs__shader *shader) {
    for (uint32_t i = 0; i < tuner->hash_count; i++)
        if (tuner->hashes[i].shader == shader) return tuner->hashes[i].hash;
    const uint64_t hash = gs__hash(0, shader->words, shader->word_count * sizeof *shader->words);
    if (tuner->hash_count < sizeof tuner->hashes / sizeof *tuner->hashes)
        tuner->hashes[tuner->hash_count++] = (struct gs__shader_hash){shader, hash};
    return hash;
}

// The choice's key, and what tells its kernels from those of another version of the program.
static void full_key(gs__tuner *tuner, const gs__choice *choice, char key[FULL_KEY_BYTES]) {
    uint64_t all = 0;
    for (uint32_t i = 0; i < choice->way_count; i++) {
        const uint64_t hash = shader_hash(tuner, choice->ways[i].shader);
        all = gs__hash(all, &hash, sizeof hash);
    }
    snprintf(key, FULL_KEY_BYTES, "%s,%016llx", choice->key, (unsigned long long)all);
}

const gs__way *gs__tuner_find(gs__tuner *tuner, const gs__choice *choice) {
    if (tuner->forced >= 0) return &choice->ways[(uint32_t)tuner->forced % choice->way_count];
    if (!tuner->enabled || choice->way_count < 2 || !tuner->count) return &choice->ways[0];
    char key[FULL_KEY_BYTES];
    full_key(tuner, choice, key);
    const struct gs__tuned *entry = find_entry(tuner, key);
    for (uint32_t i = 0; entry && i < choice->way_count; i++)
        if (strcmp(choice->ways[i].name, entry->way) == 0) return &choice->ways[i];
    return &choice->ways[0];
}

bool gs__tuner_wants(gs__tuner *tuner, const gs__choice *choice) {
    if (!tuner->enabled || tuner->forced >= 0 || choice->way_count < 2 || !tuner->left_ns) return false;
    char key[FULL_KEY_BYTES];
    full_key(tuner, choice, key);
    return !find_entry(tuner, key);
}

void gs__tuner_set(gs__tuner *tuner, const gs__choice *choice, const gs__way *way) {
    char key[FULL_KEY_BYTES];
    full_key(tuner, choice, key);
    if (!find_entry(tuner, key)) add_entry(tuner, key, way->name);
}

// --- kernels that are tried first -------------------------------------------------------------------------------------
static void proof_key(gs__tuner *tuner, const gs__shader *shader, char key[FULL_KEY_BYTES]) {
    snprintf(key, FULL_KEY_BYTES, "tried,%s,%016llx", shader->name, (unsigned long long)shader_hash(tuner, shader));
}

static const struct gs__proof *find_proof(const gs__tuner *tuner, const gs__shader *shader) {
    for (uint32_t i = 0; i < tuner->proof_count; i++)
        if (tuner->proofs[i].shader == shader) return &tuner->proofs[i];
    return NULL;
}

static void add_proof(gs__tuner *tuner, const gs__shader *shader, bool right) {
    if (tuner->proof_count < sizeof tuner->proofs / sizeof *tuner->proofs)
        tuner->proofs[tuner->proof_count++] = (struct gs__proof){shader, right};
}

bool gs__tuner_tried(gs__tuner *tuner, const gs__shader *shader) {
    if (find_proof(tuner, shader)) return true;
    char key[FULL_KEY_BYTES];
    proof_key(tuner, shader, key);
    const struct gs__tuned *entry = tuner->enabled ? find_entry(tuner, key) : NULL;
    if (entry) add_proof(tuner, shader, strcmp(entry->way, "right") == 0);
    return entry;
}

bool gs__tuner_trusts(const gs__tuner *tuner, const gs__shader *shader) {
    const struct gs__proof *proof = find_proof(tuner, shader);
    return proof && proof->right;
}

void gs__tuner_prove(gs__tuner *tuner, const gs__shader *shader, bool right) {
    if (gs__tuner_tried(tuner, shader)) return;
    char key[FULL_KEY_BYTES];
    proof_key(tuner, shader, key);
    add_proof(tuner, shader, right);
    if (tuner->enabled) add_entry(tuner, key, right ? "right" : "wrong");
}
