// Files that speed up the next start and may be lost at any time: a missing, damaged or foreign one is no error.
#ifndef GS_BASE_CACHE_H
#define GS_BASE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The folder: $GRADSMITH_CACHE ("off": none), else $XDG_CACHE_HOME/gradsmith, else ~/.cache/gradsmith. It need not
// exist. Freed with free(); NULL: no cache is kept.
char *gs__cache_dir(void);

// A file begins with a line: "gradsmith cache 1", then `head` (one line of text that says what it is, its version and
// for what it holds: a reader with another head ignores the file), the length and the CRC-32 of what follows.

// Reads dir/name; false when there is no such file with this head, or it is damaged. *data (freed with free()) has a
// zero byte after the last one, which *bytes does not count.
bool gs__cache_read(const char *dir, const char *name, const char *head, char **data, size_t *bytes);
// The same of a file's content in memory: where what follows the line begins; 0: it is not a file with this head, or a
// damaged one.
size_t gs__cache_check(const char *file, size_t file_bytes, const char *head);
// Replaces dir/name, making the folder when needed; readers see the old file or the new one. False when it could not.
bool gs__cache_write(const char *dir, const char *name, const char *head, const void *data, size_t bytes);

// FNV-1a: of `data` behind what `hash` stands for; begin with 0.
uint64_t gs__hash(uint64_t hash, const void *data, size_t bytes);

#endif
