// What the tests of the program need beside a shell: small data sets, arrays, a strict look at JSON and numpy files.
#include <cjson/cJSON.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "helper: %s\n", what);
    exit(1);
}

static FILE *open_file(const char *path, const char *mode) {
    FILE *file = fopen(path, mode);
    if (file == NULL) fail(path);
    return file;
}

static void put_be32(FILE *file, unsigned value) {
    for (int shift = 24; shift >= 0; shift -= 8) putc((int)(value >> shift & 255), file);
}

// A pixel of sample i: the rows of its class are bright, with some noise.
static unsigned char pixel(unsigned i, unsigned row, unsigned column, unsigned rows, unsigned classes) {
    unsigned noise = (i * 2654435761U ^ (row * 31 + column) * 40503U) >> 7 & 63;
    return (unsigned char)(row * classes / rows == i % classes ? 160 + noise : noise);
}

// idx IMAGES LABELS COUNT ROWS COLUMNS CLASSES: images whose class is easy to learn
static void write_idx(char **argv) {
    unsigned count = (unsigned)atoi(argv[2]), rows = (unsigned)atoi(argv[3]), columns = (unsigned)atoi(argv[4]);
    unsigned classes = (unsigned)atoi(argv[5]);
    FILE *images = open_file(argv[0], "wb"), *labels = open_file(argv[1], "wb");
    put_be32(images, 0x803), put_be32(images, count), put_be32(images, rows), put_be32(images, columns);
    put_be32(labels, 0x801), put_be32(labels, count);
    for (unsigned i = 0; i < count; i++) {
        putc((int)(i % classes), labels);
        for (unsigned row = 0; row < rows; row++)
            for (unsigned column = 0; column < columns; column++) putc(pixel(i, row, column, rows, classes), images);
    }
    fclose(images);
    fclose(labels);
}

// npy FILE COUNT ROWS COLUMNS CLASSES: the same images as a uint8 array (COUNT, ROWS, COLUMNS)
static void write_npy(char **argv) {
    unsigned count = (unsigned)atoi(argv[1]), rows = (unsigned)atoi(argv[2]), columns = (unsigned)atoi(argv[3]);
    FILE *file = open_file(argv[0], "wb");
    char head[118];
    int length = snprintf(head, sizeof head, "{'descr': '|u1', 'fortran_order': False, 'shape': (%u, %u, %u), }", count,
                          rows, columns);
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file);
    fprintf(file, "%-117s\n", length > 0 ? head : "");
    for (unsigned i = 0; i < count; i++)
        for (unsigned row = 0; row < rows; row++)
            for (unsigned column = 0; column < columns; column++)
                putc(pixel(i, row, column, rows, (unsigned)atoi(argv[4])), file);
    fclose(file);
}

// rows FILE.npy COLUMNS: checks the header of a float32 array (N, COLUMNS), prints sum and place of the largest per row
static void print_rows(char **argv) {
    unsigned columns = (unsigned)atoi(argv[1]), count;
    unsigned char start[10];
    char head[4096], expected[64];
    FILE *file = open_file(argv[0], "rb");
    if (fread(start, 1, 10, file) != 10 || memcmp(start, "\x93NUMPY\x01\x00", 8) != 0) fail("no npy file");
    size_t length = start[8] + 256U * start[9];
    if (length >= sizeof head || fread(head, 1, length, file) != length) fail("npy header is cut");
    head[length] = 0;
    const char *shape = strstr(head, "'shape': (");
    if (strstr(head, "'<f4'") == NULL || shape == NULL || sscanf(shape, "'shape': (%u", &count) != 1) fail(head);
    snprintf(expected, sizeof expected, "'shape': (%u, %u)", count, columns);
    if (strstr(head, expected) == NULL || strstr(head, "'fortran_order': False") == NULL) fail(head);
    for (unsigned i = 0; i < count; i++) {
        float value, largest = 0;
        double sum = 0;
        unsigned place = 0;
        for (unsigned j = 0; j < columns; j++) {
            if (fread(&value, sizeof value, 1, file) != 1) fail("npy values are cut");
            if (j == 0 || value > largest) largest = value, place = j;
            sum += (double)value;
        }
        printf("%.4f %u\n", sum, place);
    }
    if (getc(file) != EOF) fail("npy file goes on after its values");
    fclose(file);
}

// json KEY...: reads one JSON text from standard input, prints the value found by keys and indices
static void print_json(char **argv) {
    static char text[1 << 20];
    text[fread(text, 1, sizeof text - 1, stdin)] = 0;
    cJSON *root = cJSON_ParseWithOpts(text, NULL, 1);
    const cJSON *item = root;
    if (root == NULL) fail("not JSON");
    for (; *argv != NULL; argv++) {
        item = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, atoi(*argv)) : cJSON_GetObjectItem(item, *argv);
        if (item == NULL) fail(*argv);
    }
    char *shown = cJSON_IsString(item) ? strdup(item->valuestring) : cJSON_PrintUnformatted(item);
    printf("%s\n", shown);
    free(shown);
    cJSON_Delete(root);
}

// find NEEDLE FILE: fails unless the bytes of one file are in the other
static void find_bytes(char **argv) {
    static char needle[4096], file[1 << 22];
    size_t bytes[2];
    for (int i = 0; i < 2; i++) {
        FILE *opened = fopen(argv[i], "rb");
        if (opened == NULL) fail(argv[i]);
        bytes[i] = fread(i == 0 ? needle : file, 1, i == 0 ? sizeof needle : sizeof file, opened);
        fclose(opened);
    }
    if (bytes[0] == 0 || bytes[1] == sizeof file) fail("find: no needle, or too large a file");
    for (size_t at = 0; at + bytes[0] <= bytes[1]; at++)
        if (memcmp(file + at, needle, bytes[0]) == 0) exit(0);
    exit(3);
}

// --- schema ------------------------------------------------------------------------------------------------------
// A JSON Schema of the few keywords that assets/bench.schema.json has; any other is an error. Stricter than a validator
// in one point: a member that the schema does not list is wrong, so that it lists all that the program writes.
static int wrong_at(const char *where, const char *what) {
    printf("%s: %s\n", where, what);
    return 0;
}

static int has_type(const cJSON *item, const char *type) {
    if (strcmp(type, "object") == 0) return cJSON_IsObject(item);
    if (strcmp(type, "array") == 0) return cJSON_IsArray(item);
    if (strcmp(type, "string") == 0) return cJSON_IsString(item);
    if (strcmp(type, "boolean") == 0) return cJSON_IsBool(item);
    if (strcmp(type, "number") == 0) return cJSON_IsNumber(item);
    if (strcmp(type, "integer") != 0) fail("unknown type");
    return cJSON_IsNumber(item) && item->valuedouble == (double)(long long)item->valuedouble;
}

static int in_list(const cJSON *item, const cJSON *list) {
    const cJSON *other;
    cJSON_ArrayForEach(other, list) {
        if (cJSON_Compare(item, other, 1)) return 1;
    }
    return 0;
}

static int follows_pattern(const char *text, const char *pattern) {
    regex_t expression;
    if (regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB) != 0) fail("bad pattern");
    int found = regexec(&expression, text, 0, NULL, 0) == 0;
    regfree(&expression);
    return found;
}

static int follows(const cJSON *item, const cJSON *schema, const char *where);

static int follows_properties(const cJSON *item, const cJSON *properties, const char *where) {
    char place[300];
    const cJSON *child;
    cJSON_ArrayForEach(child, item) {
        const cJSON *of_child = cJSON_GetObjectItemCaseSensitive(properties, child->string);
        snprintf(place, sizeof place, "%.200s.%.80s", where, child->string);
        if (of_child == NULL) return wrong_at(place, "is not in the schema");
        if (!follows(child, of_child, place)) return 0;
    }
    return 1;
}

static int follows_items(const cJSON *item, const cJSON *schema, const char *where) {
    char place[300];
    int index = 0;
    const cJSON *child;
    cJSON_ArrayForEach(child, item) {
        snprintf(place, sizeof place, "%.200s[%d]", where, index++);
        if (!follows(child, schema, place)) return 0;
    }
    return 1;
}

// {"if": {"properties": {KEY: {"const": VALUE}}}, "then": {"required": [...]}}
static int follows_condition(const cJSON *item, const cJSON *rule, const char *where) {
    const cJSON *test = cJSON_GetObjectItem(cJSON_GetObjectItem(rule, "if"), "properties")->child, *key;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, test->string);
    if (!cJSON_Compare(value, cJSON_GetObjectItem(test, "const"), 1)) return 1;
    cJSON_ArrayForEach(key, cJSON_GetObjectItem(cJSON_GetObjectItem(rule, "then"), "required")) {
        if (!cJSON_HasObjectItem(item, key->valuestring)) return wrong_at(where, key->valuestring);
    }
    return 1;
}

static int follows_keyword(const cJSON *item, const cJSON *rule, const char *where) {
    const char *name = rule->string;
    const cJSON *part;
    const double value = item->valuedouble, limit = rule->valuedouble;
    const int size = cJSON_GetArraySize(item);
    if (name[0] == '$' || strcmp(name, "title") == 0 || strcmp(name, "description") == 0 ||
        strcmp(name, "default") == 0)
        return 1;
    if (strcmp(name, "type") == 0) return has_type(item, rule->valuestring) || wrong_at(where, "type");
    if (strcmp(name, "const") == 0) return cJSON_Compare(item, rule, 1) || wrong_at(where, "const");
    if (strcmp(name, "enum") == 0) return in_list(item, rule) || wrong_at(where, "enum");
    if (strcmp(name, "minimum") == 0) return value >= limit || wrong_at(where, "minimum");
    if (strcmp(name, "maximum") == 0) return value <= limit || wrong_at(where, "maximum");
    if (strcmp(name, "exclusiveMinimum") == 0) return value > limit || wrong_at(where, "exclusiveMinimum");
    if (strcmp(name, "minItems") == 0) return size >= (int)limit || wrong_at(where, "minItems");
    if (strcmp(name, "maxItems") == 0) return size <= (int)limit || wrong_at(where, "maxItems");
    if (strcmp(name, "pattern") == 0)
        return follows_pattern(item->valuestring, rule->valuestring) || wrong_at(where, "pattern");
    if (strcmp(name, "properties") == 0) return follows_properties(item, rule, where);
    if (strcmp(name, "items") == 0) return follows_items(item, rule, where);
    if (strcmp(name, "required") == 0) {
        cJSON_ArrayForEach(part, rule) {
            if (!cJSON_HasObjectItem(item, part->valuestring)) return wrong_at(where, part->valuestring);
        }
        return 1;
    }
    if (strcmp(name, "allOf") != 0) fail(name);
    cJSON_ArrayForEach(part, rule) {
        if (!follows_condition(item, part, where)) return 0;
    }
    return 1;
}

static int follows(const cJSON *item, const cJSON *schema, const char *where) {
    const cJSON *rule;
    cJSON_ArrayForEach(rule, schema) {
        if (!follows_keyword(item, rule, where)) return 0;
    }
    return 1;
}

// schema SCHEMA FILE: says where the file differs from the schema
static int check_schema(char **argv) {
    static char texts[2][1 << 20];
    cJSON *parsed[2];
    for (int i = 0; i < 2; i++) {
        FILE *file = open_file(argv[i], "rb");
        texts[i][fread(texts[i], 1, sizeof texts[i] - 1, file)] = 0;
        fclose(file);
        parsed[i] = cJSON_ParseWithOpts(texts[i], NULL, 1);
        if (parsed[i] == NULL) fail("not JSON");
    }
    int good = follows(parsed[1], parsed[0], "$");
    for (int i = 0; i < 2; i++) cJSON_Delete(parsed[i]);
    return good ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc == 8 && strcmp(argv[1], "idx") == 0) write_idx(argv + 2);
    else if (argc == 7 && strcmp(argv[1], "npy") == 0) write_npy(argv + 2);
    else if (argc == 4 && strcmp(argv[1], "rows") == 0) print_rows(argv + 2);
    else if (argc >= 2 && strcmp(argv[1], "json") == 0) print_json(argv + 2);
    else if (argc == 4 && strcmp(argv[1], "find") == 0) find_bytes(argv + 2);
    else if (argc == 4 && strcmp(argv[1], "schema") == 0) return check_schema(argv + 2);
    else fail("usage: idx, npy, rows, json, find or schema");
    return 0;
}
