// Arrays of .npz files, which are zip archives, through libzip.
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef GRADSMITH_HAS_ZIP
#include <zip.h>

static gs_status fail_zip(gs__error *error, const char *name, const char *what, zip_error_t *reason) {
    return gs__fail(error, GS_ERR_FORMAT, "%s: %s: %s", name, what, zip_error_strerror(reason));
}

static gs_status open_archive(gs__error *error, const char *name, const void *data, size_t bytes, zip_t **archive) {
    zip_error_t reason;
    if (!bytes) return gs__fail(error, GS_ERR_FORMAT, "%s: the file is empty", name); // to libzip an empty archive
    zip_error_init(&reason);
    gs_status status = GS_OK;
    zip_source_t *source = zip_source_buffer_create(data, bytes, 0, &reason);
    *archive = source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &reason) : NULL;
    if (!*archive) {
        status = fail_zip(error, name, "not an npz file (a zip archive of npy files), or a damaged one", &reason);
        if (source) zip_source_free(source);
    }
    zip_error_fini(&reason);
    return status;
}

static gs_status fail_missing(gs__error *error, const char *name, zip_t *archive, const char *key) {
    gs__text list = {0};
    char shown[48];
    const zip_int64_t count = zip_get_num_entries(archive, 0);
    for (zip_int64_t i = 0; i < count && list.length < 200; i++) {
        const char *entry = zip_get_name(archive, (zip_uint64_t)i, 0);
        if (entry) gs__text_append(&list, "%s%s", i ? ", " : "", gs__text_show(entry, shown, sizeof shown));
    }
    gs_status status = gs__fail(error, GS_ERR_FORMAT, "%s: there is no array \"%s\": the archive has %s", name,
                                gs__text_show(key, shown, sizeof shown), list.data ? list.data : "nothing in it");
    gs__text_deinit(&list);
    return status;
}

// Before memory is taken for what the archive claims to hold.
static gs_status check_entry(gs__error *error, const char *name, const zip_stat_t *entry) {
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if ((entry->valid & needed) != needed)
        return gs__fail(error, GS_ERR_FORMAT, "%s: its entry does not say how large it is", name);
    if ((entry->valid & ZIP_STAT_ENCRYPTION_METHOD) && entry->encryption_method != ZIP_EM_NONE)
        return gs__fail(error, GS_ERR_UNSUPPORTED, "%s: encrypted", name);
    if (entry->comp_method != ZIP_CM_STORE && entry->comp_method != ZIP_CM_DEFLATE)
        return gs__fail(error, GS_ERR_UNSUPPORTED, "%s: compression method %u: only those of numpy.savez are known",
                        name, (unsigned)entry->comp_method);
    if (entry->size > GS__DATA_MAX_BYTES)
        return gs__fail(error, GS_ERR_FORMAT, "%s: claims %llu bytes, at most %llu are read", name,
                        (unsigned long long)entry->size, (unsigned long long)GS__DATA_MAX_BYTES);
    if (gs__is_bomb(entry->size, entry->comp_size))
        return gs__fail(error, GS_ERR_FORMAT,
                        "%s: claims %llu bytes from %llu packed ones: a bomb is not unpacked; save real data of that "
                        "kind with numpy.savez, without compression",
                        name, (unsigned long long)entry->size, (unsigned long long)entry->comp_size);
    return GS_OK;
}

static gs_status read_entry(gs__error *error, const char *name, zip_t *archive, const zip_stat_t *entry, char **data) {
    gs_status status = GS_OK;
    char one_more;
    zip_file_t *file = zip_fopen_index(archive, entry->index, 0);
    if (!file) return fail_zip(error, name, "cannot be unpacked", zip_get_error(archive));
    *data = gs__allocate(error, entry->size, 1, name);
    if (!*data) status = GS_ERR_MEMORY;
    // Reading to the end is what compares the checksum.
    for (zip_uint64_t at = 0; status == GS_OK && at < entry->size;) {
        const zip_int64_t got = zip_fread(file, *data + at, entry->size - at);
        if (got < 0) status = fail_zip(error, name, "damaged", zip_file_get_error(file));
        if (got == 0) status = gs__fail(error, GS_ERR_FORMAT, "%s: truncated", name);
        at += got > 0 ? (zip_uint64_t)got : 0;
    }
    if (status == GS_OK) {
        const zip_int64_t got = zip_fread(file, &one_more, 1);
        if (got < 0) status = fail_zip(error, name, "damaged", zip_file_get_error(file));
        if (got > 0) status = gs__fail(error, GS_ERR_FORMAT, "%s: holds more bytes than it claims", name);
    }
    zip_fclose(file);
    return status;
}

// NumPy writes KEY.npy; others may not.
static bool find_entry(zip_t *archive, const char *key, zip_stat_t *entry) {
    char name[256];
    const int length = snprintf(name, sizeof name, "%s.npy", key);
    if (length < 0 || (size_t)length >= sizeof name) return false;
    return zip_stat(archive, name, 0, entry) == 0 || zip_stat(archive, key, 0, entry) == 0;
}

gs_status gs__npz_read(gs__error *error, const char *name, const void *data, size_t bytes, const char *key,
                       gs__array_use use, gs__array *array) {
    gs_status status = GS_OK;
    char *unpacked = NULL, place[256], shown[64];
    zip_t *archive = NULL;
    zip_stat_t entry;
    zip_stat_init(&entry);
    GS_TRY(open_archive(error, name, data, bytes, &archive));
    if (!find_entry(archive, key, &entry)) GS_TRY(fail_missing(error, name, archive, key));
    snprintf(place, sizeof place, "%.160s: array %s", name, gs__text_show(key, shown, sizeof shown));
    GS_TRY(check_entry(error, place, &entry));
    GS_TRY(read_entry(error, place, archive, &entry, &unpacked));
    status = gs__npy_parse(error, place, unpacked, (size_t)entry.size, use, array);
fail:
    free(unpacked);
    if (archive) zip_discard(archive);
    return status;
}

bool gs__npz_has(const void *data, size_t bytes, const char *key) {
    zip_t *archive = NULL;
    zip_stat_t entry;
    zip_stat_init(&entry);
    if (open_archive(NULL, "", data, bytes, &archive) != GS_OK) return false;
    const bool has = find_entry(archive, key, &entry);
    zip_discard(archive);
    return has;
}
#else
gs_status gs__npz_read(gs__error *error, const char *name, const void *data, size_t bytes, const char *key,
                       gs__array_use use, gs__array *array) {
    (void)data, (void)bytes, (void)key, (void)use, (void)array;
    return gs__fail(error, GS_ERR_UNSUPPORTED,
                    "%s: an npz file: this gradsmith was built without libzip (libzip-dev); save the arrays with "
                    "numpy.save, or build it with that",
                    name);
}

bool gs__npz_has(const void *data, size_t bytes, const char *key) {
    (void)data, (void)bytes, (void)key;
    return false;
}
#endif
