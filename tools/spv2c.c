// Build-time host program: embeds a compiled shader as C and describes it by reflection, so that no C code
// repeats what the GLSL already says.
//
//     spv2c NAME REFLECT.spv CODE.spv OUT.c OUT.h
//
// REFLECT.spv is the unoptimised module (it still has names and unused constants), CODE.spv the one to run.
// OUT.c defines `const gs__shader gs__shader_NAME` (src/gpu/gpu.h). OUT.h declares it, and has
//     struct gs_push_NAME { ... };                push constants: names, order and offsets as in GLSL
//     enum { GS_SPEC_NAME_CONSTANT = id, ..., GS_SPEC_NAME_COUNT = highest id + 1 };
// OUT.h is left alone when nothing in it changes, so that editing a kernel's body recompiles no user.
// What breaks the project's rules for kernels is an error that names the shader; exit code 1.
#include "gpu/gpu.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <spirv/unified1/spirv.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_WORDS = 5, MAX_PUSH_MEMBERS = GS__MAX_PUSH_BYTES / 4 };

typedef struct module {
    const char *shader; // NAME, for messages
    uint32_t *words;
    size_t word_count;
    uint32_t bound;
    size_t *definition; // by result id: word index of the instruction that makes it; 0: none
} module;

typedef struct spec {
    const char *name; // "" when GLSL gives none
    bool used;
    uint32_t value; // default
} spec;

typedef struct facts {
    gs__shader shader; // words are left out
    uint32_t binding_mask;
    uint32_t push_count;
    struct {
        const char *type, *name;
    } push[MAX_PUSH_MEMBERS];
    spec spec[GS__MAX_SPEC];
    uint32_t spec_count;
    uint32_t local_size_spec[3]; // constant_id + 1 of each dimension; 0: fixed
} facts;

static bool complain(const char *shader, const char *format, ...) GS__PRINTF(2, 3);

// Prints "shaders/NAME.comp: error: ..." and returns false.
static bool complain(const char *shader, const char *format, ...) {
    va_list args;
    fprintf(stderr, "shaders/%s.comp: error: ", shader);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return false;
}

// --- reading a module
// -------------------------------------------------------------------------------------------

static uint32_t opcode(const module *m, size_t at) {
    return m->words[at] & SpvOpCodeMask;
}
static uint32_t length(const module *m, size_t at) {
    return m->words[at] >> SpvWordCountShift;
}

static void unload(module *m) {
    free(m->words);
    free(m->definition);
}

static bool read_words(module *m, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return complain(m->shader, "%s: %s", path, strerror(errno));
    size_t capacity = 0, got = 0;
    do {
        capacity += 1 << 14;
        uint32_t *grown = realloc(m->words, capacity * sizeof *grown);
        if (!grown) {
            fclose(file);
            return complain(m->shader, "%s: out of memory", path);
        }
        m->words = grown;
        got = fread(m->words + m->word_count, sizeof *m->words, capacity - m->word_count, file);
        m->word_count += got;
    } while (m->word_count == capacity);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed) return complain(m->shader, "%s: cannot be read", path);
    if (m->word_count < HEADER_WORDS || m->words[0] != SpvMagicNumber)
        return complain(m->shader, "%s: is not SPIR-V of this machine's byte order", path);
    m->bound = m->words[3];
    return true;
}

// Index of the result id within an instruction, for those that are looked up later; 0: not one of them.
static uint32_t result_index(uint32_t op) {
    switch (op) {
    case SpvOpTypeBool:
    case SpvOpTypeInt:
    case SpvOpTypeFloat:
    case SpvOpTypeVector:
    case SpvOpTypeMatrix:
    case SpvOpTypeImage:
    case SpvOpTypeSampler:
    case SpvOpTypeSampledImage:
    case SpvOpTypeArray:
    case SpvOpTypeRuntimeArray:
    case SpvOpTypeStruct:
    case SpvOpTypePointer:
        return 1;
    case SpvOpVariable:
    case SpvOpConstant:
    case SpvOpConstantComposite:
    case SpvOpSpecConstant:
    case SpvOpSpecConstantTrue:
    case SpvOpSpecConstantFalse:
    case SpvOpSpecConstantComposite:
        return 2;
    }
    return 0;
}

static bool load(module *m, const char *path) {
    if (!read_words(m, path)) return false;
    m->definition = calloc((size_t)m->bound + 1, sizeof *m->definition);
    if (!m->definition) return complain(m->shader, "%s: out of memory", path);
    for (size_t at = HEADER_WORDS; at < m->word_count; at += length(m, at)) {
        uint32_t n = length(m, at), index = result_index(opcode(m, at));
        if (n == 0 || n > m->word_count - at) return complain(m->shader, "%s: is truncated", path);
        if (!index) continue;
        if (index >= n || m->words[at + index] >= m->bound) return complain(m->shader, "%s: is malformed", path);
        m->definition[m->words[at + index]] = at;
    }
    return true;
}

// Instruction that defines `id`, or NULL; *n receives its length in words.
static const uint32_t *find(const module *m, uint32_t id, uint32_t op, uint32_t *n) {
    size_t at = id < m->bound ? m->definition[id] : 0;
    if (!at || opcode(m, at) != op) return NULL;
    if (n) *n = length(m, at);
    return m->words + at;
}

static const char *name_of(const module *m, uint32_t id) {
    for (size_t at = HEADER_WORDS; at < m->word_count; at += length(m, at))
        if (opcode(m, at) == SpvOpName && m->words[at + 1] == id) return (const char *)(m->words + at + 2);
    return "";
}

static const char *member_name(const module *m, uint32_t type, uint32_t member) {
    for (size_t at = HEADER_WORDS; at < m->word_count; at += length(m, at))
        if (opcode(m, at) == SpvOpMemberName && m->words[at + 1] == type && m->words[at + 2] == member)
            return (const char *)(m->words + at + 3);
    return "";
}

// `value` (may be NULL) receives the decoration's operand.
static bool decorated(const module *m, uint32_t id, SpvDecoration decoration, uint32_t *value) {
    for (size_t at = HEADER_WORDS; at < m->word_count; at += length(m, at)) {
        if (opcode(m, at) != SpvOpDecorate || m->words[at + 1] != id || m->words[at + 2] != (uint32_t)decoration)
            continue;
        if (value && length(m, at) > 3) *value = m->words[at + 3];
        return true;
    }
    return false;
}

static bool member_decorated(const module *m, uint32_t type, uint32_t member, SpvDecoration decoration,
                             uint32_t *value) {
    for (size_t at = HEADER_WORDS; at < m->word_count; at += length(m, at)) {
        if (opcode(m, at) != SpvOpMemberDecorate || m->words[at + 1] != type || m->words[at + 2] != member ||
            m->words[at + 3] != (uint32_t)decoration)
            continue;
        if (value && length(m, at) > 4) *value = m->words[at + 4];
        return true;
    }
    return false;
}

// The variable, or every member of its block.
static bool wholly_decorated(const module *m, uint32_t variable, uint32_t type, uint32_t members,
                             SpvDecoration decoration) {
    if (decorated(m, variable, decoration, NULL)) return true;
    for (uint32_t i = 0; i < members; i++)
        if (!member_decorated(m, type, i, decoration, NULL)) return false;
    return members > 0;
}

// --- interface of the kernel
// ------------------------------------------------------------------------------------

// SpvCapabilityCooperativeMatrixKHR; older headers lack the name.
enum { COOPERATIVE_MATRIX = 6022 };

static void reflect_capabilities(const module *m, facts *f) {
    for (size_t at = HEADER_WORDS; at < m->word_count; at += length(m, at))
        if (opcode(m, at) == SpvOpCapability && m->words[at + 1] == COOPERATIVE_MATRIX) f->shader.matrices = true;
}

static bool reflect_push(const module *m, facts *f, uint32_t type) {
    uint32_t n = 0;
    const uint32_t *block = find(m, type, SpvOpTypeStruct, &n);
    if (!block) return complain(m->shader, "push constants are not a block");
    if (f->push_count) return complain(m->shader, "has two push-constant blocks: put all members into one");
    if (n - 2 > MAX_PUSH_MEMBERS)
        return complain(m->shader, "has %" PRIu32 " push constants (%" PRIu32 " bytes); at most %d bytes are allowed",
                        n - 2, 4 * (n - 2), GS__MAX_PUSH_BYTES);
    for (uint32_t i = 0; i < n - 2; i++) {
        const char *name = member_name(m, type, i);
        const uint32_t *integer = find(m, block[2 + i], SpvOpTypeInt, NULL);
        const uint32_t *real = find(m, block[2 + i], SpvOpTypeFloat, NULL);
        uint32_t offset = UINT32_MAX;
        member_decorated(m, type, i, SpvDecorationOffset, &offset);
        if ((integer ? integer[2] : real ? real[2] : 0) != 32)
            return complain(m->shader,
                            "push constant \"%s\" must be a uint, an int or a float: only 32-bit scalars are "
                            "allowed, so that C and GLSL agree on the layout",
                            name);
        if (offset != 4 * i)
            return complain(m->shader,
                            "push constant \"%s\" is at byte %" PRIu32 " but must be at %" PRIu32 ": leave no gaps",
                            name, offset, 4 * i);
        f->push[i].name = name;
        f->push[i].type = real ? "float" : integer[3] ? "int32_t" : "uint32_t";
    }
    f->push_count = n - 2;
    f->shader.push_bytes = 4 * f->push_count;
    return true;
}

static bool reflect_buffer(const module *m, facts *f, uint32_t variable, uint32_t type, uint32_t binding) {
    uint32_t n = 0;
    if (!find(m, type, SpvOpTypeStruct, &n))
        return complain(m->shader, "binding %" PRIu32 " is an array of buffers: not supported", binding);
    if (binding >= GS__MAX_BINDINGS)
        return complain(m->shader,
                        "storage buffer \"%s\" is at binding %" PRIu32 "; at most %d storage buffers are allowed, "
                        "at bindings 0 to %d",
                        name_of(m, type), binding, GS__MAX_BINDINGS, GS__MAX_BINDINGS - 1);
    bool no_write = wholly_decorated(m, variable, type, n - 2, SpvDecorationNonWritable);
    bool no_read = wholly_decorated(m, variable, type, n - 2, SpvDecorationNonReadable);
    if (no_write && no_read)
        return complain(m->shader, "storage buffer \"%s\" is readonly and writeonly", name_of(m, type));
    f->binding_mask |= 1u << binding;
    if (!no_read) f->shader.binding_reads |= 1u << binding;
    if (!no_write) f->shader.binding_writes |= 1u << binding;
    return true;
}

static bool reflect_texels(const module *m, facts *f, uint32_t variable, uint32_t type, uint32_t binding) {
    const uint32_t *sampled = find(m, type, SpvOpTypeSampledImage, NULL);
    const uint32_t *image = find(m, sampled ? sampled[2] : type, SpvOpTypeImage, NULL);
    const uint32_t *real = image ? find(m, image[2], SpvOpTypeFloat, NULL) : NULL;
    const uint32_t *word = image ? find(m, image[2], SpvOpTypeInt, NULL) : NULL;
    const bool is_float = real && real[2] == 32, is_uint = word && word[2] == 32 && word[3] == 0;
    if (!image || image[3] != SpvDimBuffer || image[7] != 1 || (!is_float && !is_uint))
        return complain(m->shader,
                        "\"%s\" is neither a buffer nor a uniform texel buffer (textureBuffer, utextureBuffer)",
                        name_of(m, variable));
    if (binding < GS__TEXEL_BINDING || binding >= GS__TEXEL_BINDING + GS__MAX_BINDINGS)
        return complain(m->shader,
                        "texel buffer \"%s\" is at binding %" PRIu32 "; a view of binding i must be at %d + i",
                        name_of(m, variable), binding, GS__TEXEL_BINDING);
    uint32_t bit = 1u << (binding - GS__TEXEL_BINDING);
    f->shader.texel_mask |= bit;
    if (is_uint) f->shader.texel_words |= bit;
    f->shader.binding_reads |= bit;
    f->binding_mask |= bit; // the tensor is bound at i even when only its view is read
    return true;
}

static bool reflect_variable(const module *m, facts *f, const uint32_t *variable) {
    uint32_t id = variable[2], storage = variable[3], set = 0, binding = 0;
    const uint32_t *pointer = find(m, variable[1], SpvOpTypePointer, NULL);
    if (!pointer) return complain(m->shader, "variable without a pointer type");
    uint32_t type = pointer[3];
    if (storage == SpvStorageClassPushConstant) return reflect_push(m, f, type);
    if (storage != SpvStorageClassStorageBuffer && storage != SpvStorageClassUniform &&
        storage != SpvStorageClassUniformConstant)
        return true;

    const char *name = *name_of(m, id) ? name_of(m, id) : name_of(m, type);
    if (!decorated(m, id, SpvDecorationBinding, &binding)) return complain(m->shader, "\"%s\" has no binding", name);
    decorated(m, id, SpvDecorationDescriptorSet, &set);
    if (set != 0)
        return complain(m->shader, "\"%s\" is in descriptor set %" PRIu32 "; only set 0 is allowed", name, set);
    if (storage == SpvStorageClassUniformConstant) return reflect_texels(m, f, id, type, binding);
    if (storage == SpvStorageClassStorageBuffer || decorated(m, type, SpvDecorationBufferBlock, NULL))
        return reflect_buffer(m, f, id, type, binding);
    if (binding != GS__STATE_BINDING)
        return complain(m->shader,
                        "uniform buffer \"%s\" is at binding %" PRIu32 "; only the State, at binding %d, is a "
                        "uniform buffer (include state.glsl)",
                        name, binding, GS__STATE_BINDING);
    f->shader.reads_state = true;
    return true;
}

static bool reflect_variables(const module *m, facts *f) {
    for (size_t at = HEADER_WORDS; at < m->word_count; at += length(m, at))
        if (opcode(m, at) == SpvOpVariable && !reflect_variable(m, f, m->words + at)) return false;
    uint32_t count = 0;
    while (f->binding_mask >> count) count++;
    for (uint32_t i = 0; i < count; i++)
        if (!(f->binding_mask >> i & 1u))
            return complain(m->shader,
                            "has a storage buffer at binding %" PRIu32 " but none at %" PRIu32
                            ": bindings must be contiguous from 0",
                            count - 1, i);
    f->shader.binding_count = count;
    return true;
}

// --- specialization constants and the workgroup size
// ------------------------------------------------------------

static bool reflect_spec(const module *m, facts *f, const uint32_t *constant, uint32_t op) {
    uint32_t id = 0;
    if (!decorated(m, constant[2], SpvDecorationSpecId, &id)) return true;
    const char *name = name_of(m, constant[2]);
    if (id >= GS__MAX_SPEC)
        return complain(m->shader, "constant_id %" PRIu32 " of \"%s\" is above the highest allowed, %d", id, name,
                        GS__MAX_SPEC - 1);
    const uint32_t *integer = find(m, constant[1], SpvOpTypeInt, NULL);
    const uint32_t *real = find(m, constant[1], SpvOpTypeFloat, NULL);
    if (op == SpvOpSpecConstant && (integer ? integer[2] : real ? real[2] : 0) != 32)
        return complain(m->shader, "specialization constant \"%s\" must be 32 bits wide", name);
    uint32_t value = op == SpvOpSpecConstant ? constant[3] : op == SpvOpSpecConstantTrue;
    spec *s = &f->spec[id];
    // local_size_x_id makes an unnamed constant with the id of the named one: they must agree.
    if (s->used && *s->name && *name && strcmp(s->name, name) != 0)
        return complain(m->shader, "\"%s\" and \"%s\" have the same constant_id %" PRIu32, s->name, name, id);
    if (s->used && s->value != value)
        return complain(m->shader,
                        "constant_id %" PRIu32 " has two defaults, %" PRIu32 " and %" PRIu32
                        ": give local_size_x beside local_size_x_id the default of \"%s\"",
                        id, s->value, value, *name ? name : s->name);
    if (!s->used || *name) s->name = name;
    s->used = true;
    s->value = value;
    if (f->spec_count <= id) f->spec_count = id + 1;
    return true;
}

static void reflect_local_size(const module *m, facts *f, const uint32_t ids[3]) {
    for (int d = 0; d < 3; d++) {
        const uint32_t *constant = find(m, ids[d], SpvOpConstant, NULL);
        const uint32_t *special = find(m, ids[d], SpvOpSpecConstant, NULL);
        uint32_t id = 0;
        if (constant) f->shader.local_size[d] = constant[3];
        if (special) f->shader.local_size[d] = special[3];
        if (special && decorated(m, ids[d], SpvDecorationSpecId, &id) && id < GS__MAX_SPEC)
            f->local_size_spec[d] = id + 1;
    }
}

static bool reflect_constants(const module *m, facts *f) {
    for (size_t at = HEADER_WORDS; at < m->word_count; at += length(m, at)) {
        const uint32_t *word = m->words + at;
        uint32_t op = opcode(m, at);
        if (op == SpvOpExecutionMode && word[2] == SpvExecutionModeLocalSize)
            memcpy(f->shader.local_size, word + 3, sizeof f->shader.local_size);
        if ((op == SpvOpSpecConstant || op == SpvOpSpecConstantTrue || op == SpvOpSpecConstantFalse) &&
            !reflect_spec(m, f, word, op))
            return false;
    }
    // A WorkgroupSize constant wins over the execution mode.
    for (size_t at = HEADER_WORDS; at < m->word_count; at += length(m, at)) {
        const uint32_t *word = m->words + at;
        uint32_t op = opcode(m, at), builtin = UINT32_MAX;
        if (op == SpvOpExecutionModeId && word[2] == SpvExecutionModeLocalSizeId) reflect_local_size(m, f, word + 3);
        if ((op == SpvOpSpecConstantComposite || op == SpvOpConstantComposite) &&
            decorated(m, word[2], SpvDecorationBuiltIn, &builtin) && builtin == SpvBuiltInWorkgroupSize)
            reflect_local_size(m, f, word + 3);
    }
    static const char *const axis[] = {"LOCAL_SIZE_X", "LOCAL_SIZE_Y", "LOCAL_SIZE_Z"};
    for (int d = 0; d < 3; d++)
        if (f->local_size_spec[d] && !*f->spec[f->local_size_spec[d] - 1].name)
            f->spec[f->local_size_spec[d] - 1].name = axis[d];
    for (uint32_t i = 0; i < f->spec_count; i++)
        if (f->spec[i].used && !*f->spec[i].name) return complain(m->shader, "constant_id %" PRIu32 " has no name", i);
    if (!f->shader.local_size[0]) return complain(m->shader, "has no workgroup size");
    return true;
}

// --- output
// -----------------------------------------------------------------------------------------------------

static void upper(char *to, size_t bytes, const char *from) {
    size_t i = 0;
    for (; from[i] && i + 1 < bytes; i++) to[i] = (char)toupper((unsigned char)from[i]);
    to[i] = 0;
}

static void write_header(FILE *out, const facts *f) {
    const char *name = f->shader.name;
    char macro[128];
    upper(macro, sizeof macro, name);
    fprintf(out, "// Made by tools/spv2c.c from shaders/%s.comp; edit that file.\n", name);
    fprintf(out, "#ifndef GS_SHADER_%s_H\n#define GS_SHADER_%s_H\n\n", macro, macro);
    fprintf(out, "#include \"gpu/gpu.h\"\n\nextern const gs__shader gs__shader_%s;\n", name);
    if (f->push_count) {
        fprintf(out, "\nstruct gs_push_%s {\n", name);
        for (uint32_t i = 0; i < f->push_count; i++) fprintf(out, "    %s %s;\n", f->push[i].type, f->push[i].name);
        fprintf(out, "};\n");
        for (uint32_t i = 0; i < f->push_count; i++)
            fprintf(out,
                    "_Static_assert(offsetof(struct gs_push_%s, %s) == %" PRIu32 ", \"layout of push constants\");\n",
                    name, f->push[i].name, 4 * i);
        fprintf(out, "_Static_assert(sizeof(struct gs_push_%s) == %" PRIu32 ", \"layout of push constants\");\n", name,
                f->shader.push_bytes);
    }
    fprintf(out, "\nenum {\n");
    for (uint32_t i = 0; i < f->spec_count; i++)
        if (f->spec[i].used) fprintf(out, "    GS_SPEC_%s_%s = %" PRIu32 ",\n", macro, f->spec[i].name, i);
    fprintf(out, "    GS_SPEC_%s_COUNT = %" PRIu32 ",\n};\n\n#endif\n", macro, f->spec_count);
}

static void write_source(FILE *out, const facts *f, const module *code) {
    const gs__shader *s = &f->shader;
    fprintf(out, "// Made by tools/spv2c.c from shaders/%s.comp; edit that file.\n", s->name);
    fprintf(out, "#include \"shaders/%s.h\"\n\nstatic const uint32_t words[] = {", s->name);
    for (size_t i = 0; i < code->word_count; i++)
        fprintf(out, "%s0x%08" PRIx32 ",", i % 8 ? " " : "\n    ", code->words[i]);
    fprintf(out, "\n};\n\nconst gs__shader gs__shader_%s = {\n", s->name);
    fprintf(out, "    .name = \"%s\",\n    .words = words,\n", s->name);
    fprintf(out, "    .word_count = sizeof words / sizeof words[0],\n");
    fprintf(out, "    .push_bytes = %" PRIu32 ",\n    .binding_count = %" PRIu32 ",\n", s->push_bytes,
            s->binding_count);
    fprintf(out, "    .binding_reads = 0x%" PRIx32 ",\n    .binding_writes = 0x%" PRIx32 ",\n", s->binding_reads,
            s->binding_writes);
    if (s->matrices) fprintf(out, "    .matrices = true,\n");
    fprintf(out, "    .reads_state = %s,\n    .texel_mask = 0x%" PRIx32 ",\n    .texel_words = 0x%" PRIx32 ",\n",
            s->reads_state ? "true" : "false", s->texel_mask, s->texel_words);
    fprintf(out, "    .local_size = {%" PRIu32 ", %" PRIu32 ", %" PRIu32 "},\n};\n", s->local_size[0], s->local_size[1],
            s->local_size[2]);
}

static bool same_contents(FILE *a, const char *path) {
    FILE *b = fopen(path, "rb");
    if (!b) return false;
    rewind(a);
    int x = 0, y = 0;
    do {
        x = fgetc(a);
        y = fgetc(b);
    } while (x == y && x != EOF);
    fclose(b);
    return x == y;
}

static bool copy_to(FILE *from, const char *shader, const char *path) {
    FILE *to = fopen(path, "wb");
    if (!to) return complain(shader, "%s: %s", path, strerror(errno));
    rewind(from);
    for (int c = fgetc(from); c != EOF; c = fgetc(from)) fputc(c, to);
    bool failed = ferror(from) || ferror(to);
    return (fclose(to) == 0 && !failed) || complain(shader, "%s: cannot be written", path);
}

static bool write_outputs(const facts *f, const module *code, const char *source_path, const char *header_path) {
    FILE *header = tmpfile(), *source = tmpfile();
    bool ok = header && source;
    if (!ok) complain(f->shader.name, "temporary file: %s", strerror(errno));
    if (ok) {
        write_header(header, f);
        write_source(source, f, code);
        ok = copy_to(source, f->shader.name, source_path) &&
             (same_contents(header, header_path) || copy_to(header, f->shader.name, header_path));
    }
    if (header) fclose(header);
    if (source) fclose(source);
    return ok;
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: spv2c NAME REFLECT.spv CODE.spv OUT.c OUT.h\n");
        return 2;
    }
    module reflect = {.shader = argv[1]}, code = {.shader = argv[1]};
    facts f = {.shader = {.name = argv[1]}};
    bool ok = load(&reflect, argv[2]) && load(&code, argv[3]) && reflect_variables(&reflect, &f) &&
              reflect_constants(&reflect, &f);
    if (ok) reflect_capabilities(&reflect, &f);
    ok = ok && write_outputs(&f, &code, argv[4], argv[5]);
    unload(&reflect);
    unload(&code);
    return ok ? 0 : 1;
}
