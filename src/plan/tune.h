// Choosing among several ways to run a dispatch, by measurement.
//
// All ways of a choice give the same bits: each output is one sum in one order, whatever the tile. So the choice, which
// depends on timing, changes no result. (What changes bits, as splitting a sum does, is for an op's rule to decide.)
// Before a way is timed its results are compared with the reference and with those of the rule's way; one that differs is
// dropped and the user told.
//
// A plan measures the choices that are new to this device and driver when it is created, for at most GS__TUNE_NS in all
// the time that the device is open; the rest goes by the rule. What was chosen is kept on disk. Without a folder to keep
// it in (base/cache.h) nothing is measured: the time would be lost at each start.
#ifndef GS_PLAN_TUNE_H
#define GS_PLAN_TUNE_H

#include "plan/record.h"

#define GS__TUNE_NS 2000000000ull

struct gs_state;

enum { GS__MAX_WAYS = 8, GS__WAY_NAME_BYTES = 24, GS__CHOICE_KEY_BYTES = 80 };

// Another kernel, or other constants, for the same bindings and push constants.
typedef struct gs__way {
    char name[GS__WAY_NAME_BYTES]; // without spaces; it is kept on disk, so it must say all that sets the way apart
    const gs__shader *shader;
    uint32_t spec[GS__MAX_SPEC];
    uint32_t spec_count;
    uint64_t groups;
} gs__way;

// What the kernel should write, and how far off that may be.
typedef struct gs__expected {
    double value, tolerance;
} gs__expected;

// In terms of the kernel's interface: element `element` of the first tensor that the dispatch writes. `windows[b]` is what
// binding b held before the dispatch; the push constants have the tensors' offsets in it.
typedef gs__expected gs__expect(const void *push, const uint32_t *spec, const struct gs_state *state,
                                const float *const windows[GS__MAX_BINDINGS], uint64_t element);

typedef struct gs__choice {
    char key[GS__CHOICE_KEY_BYTES]; // op and class of shapes, without spaces
    gs__way ways[GS__MAX_WAYS];     // the first is the rule's
    uint32_t way_count;
    uint64_t work;      // of the dispatch, in any unit: what takes longest is measured first
    gs__expect *expect; // may be NULL: ways are compared with each other only
    // The kernel is used only where it has given right results (gs__tuner_trusts); a plan tries it when it is created.
    bool unproven;
} gs__choice;

// Records the dispatch, whose tensors are bound, in the way that was chosen.
gs_status gs__dispatch_record_choice(gs__recorder *recorder, gs__dispatch *dispatch, const gs__choice *choice);

// A class of sizes: the next power of two.
uint32_t gs__size_class(uint32_t size);

// --- the table of what was chosen -----------------------------------------------------------------------------
// One for each open device; made at first use, lives as long as the device.
typedef struct gs__tuner {
    struct gs__tuned {
        char key[GS__CHOICE_KEY_BYTES + 20], way[GS__WAY_NAME_BYTES];
    } * entries;
    uint32_t count, capacity;
    struct gs__shader_hash {
        const gs__shader *shader;
        uint64_t hash;
    } hashes[16];
    uint32_t hash_count;
    struct gs__proof {
        const gs__shader *shader;
        bool right;
    } proofs[4];
    uint32_t proof_count;
    bool enabled;
    uint64_t left_ns;  // may still be spent on measuring
    uint32_t measured; // choices, by this process
    uint32_t dropped;  // ways with wrong results, by this process
    int32_t forced;    // tests: the way to take whenever there are so many; below 0: none
} gs__tuner;

// NULL without memory.
gs__tuner *gs__tuner_get(gs__gpu *gpu);
// The way to take.
const gs__way *gs__tuner_find(gs__tuner *tuner, const gs__choice *choice);
// Whether it is worth to measure this.
bool gs__tuner_wants(gs__tuner *tuner, const gs__choice *choice);
void gs__tuner_set(gs__tuner *tuner, const gs__choice *choice, const gs__way *way);
// Whether an unproven kernel has been tried on this device, by this process or, with a folder for the cache, an earlier
// one; and whether it was right.
bool gs__tuner_tried(gs__tuner *tuner, const gs__shader *shader);
bool gs__tuner_trusts(const gs__tuner *tuner, const gs__shader *shader);
void gs__tuner_prove(gs__tuner *tuner, const gs__shader *shader, bool right);
// Adds the entries of a file's text that are unknown. The text is changed.
void gs__tuner_parse(gs__tuner *tuner, char *text);
// Writes the table to disk, with what other processes have added there.
void gs__tuner_save(gs__tuner *tuner, gs__gpu *gpu);

// --- measuring (measure.c) ------------------------------------------------------------------------------------
// A dispatch that was met while looking through a step.
typedef struct gs__tuning {
    gs__choice choice;
    unsigned char push[GS__MAX_PUSH_BYTES];
    uint32_t push_bytes;
    struct {
        uint64_t bytes, buffer_bytes; // of the window, and of the plan's buffer that it lies in
        uint32_t access;
    } window[GS__MAX_BINDINGS];
    struct {
        uint32_t binding, access;
        uint64_t begin, bytes; // in the window
        gs_dtype dtype;
    } tensor[GS__MAX_TENSORS_PER_DISPATCH];
    uint32_t tensor_count;
    uint32_t batch; // of the graph
} gs__tuning;

// Decides those that are undecided, most work first, while there is time; changes their order. A failure of the device is returned; whatever else is in the way
// leaves the rule in force.
gs_status gs__tune(gs__gpu *gpu, gs__tuning *tunings, uint32_t count);

#endif
