// Members of JSON objects as a table: one row reads, writes and is compared with the schema.
#ifndef GS_TRAIN_FIELDS_H
#define GS_TRAIN_FIELDS_H

#include "base/json.h"
#include "base/text.h"

typedef enum gs__field_type {
    GS__FIELD_TEXT,   // const char *; null is NULL
    GS__FIELD_PATH,   // the same
    GS__FIELD_U32,    // uint32_t
    GS__FIELD_U64,    // uint64_t; above 2^53 a string of digits
    GS__FIELD_NUMBER, // double
    GS__FIELD_BOOL,   // bool
    GS__FIELD_WORD,   // an enum: the place among `words`
    GS__FIELD_CHAR,   // char: a string of one
} gs__field_type;

typedef struct gs__field {
    const char *key; // NULL ends a table
    gs__field_type type;
    size_t offset;      // in the struct
    double least, most; // of a number; both 0: any
    size_t given;       // offset of a bool that says whether it is there; 0: none
    bool below;         // less than `most`, not equal
    bool required;
    const char *const *words; // NULL at the end
} gs__field;

// Reads those members of `object` that are there into the struct at `base`. Strings are borrowed from the document.
gs_status gs__fields_read(gs__json *json, const cJSON *object, const gs__field *fields, void *base);
// Appends every member: "key": value, with commas between.
void gs__fields_write(gs__text *text, const gs__field *fields, const void *base);
// GS_ERR_FORMAT for a member that neither the table nor `others` (NULL at the end; may be NULL) knows.
gs_status gs__fields_refuse_others(gs__json *json, const cJSON *object, const gs__field *fields,
                                   const char *const *others);

#endif
