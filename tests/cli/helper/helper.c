// What the tests of the program need beside a shell: small data sets, arrays, a strict look at JSON and numpy files.
#include <cjson/cJSON.h>
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

int main(int argc, char **argv) {
    if (argc == 8 && strcmp(argv[1], "idx") == 0) write_idx(argv + 2);
    else if (argc == 7 && strcmp(argv[1], "npy") == 0) write_npy(argv + 2);
    else if (argc == 4 && strcmp(argv[1], "rows") == 0) print_rows(argv + 2);
    else if (argc >= 2 && strcmp(argv[1], "json") == 0) print_json(argv + 2);
    else if (argc == 4 && strcmp(argv[1], "find") == 0) find_bytes(argv + 2);
    else fail("usage: idx, npy, rows, json or find");
    return 0;
}
