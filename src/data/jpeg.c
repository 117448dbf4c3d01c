// JPEG through libjpeg-turbo.
#include "base/memory.h"
#include "data/data.h"

#include <stdlib.h>
#include <string.h>

bool gs__jpeg_is(const void *data, size_t bytes) {
    return bytes >= 3 && memcmp(data, "\xFF\xD8\xFF", 3) == 0;
}

#ifdef GRADSMITH_HAS_JPEG
#include <turbojpeg.h>

#ifdef TJFLAG_LIMITSCANS
#define LIMIT_SCANS TJFLAG_LIMITSCANS
#else
#define LIMIT_SCANS 0 // before libjpeg-turbo 2.1
#endif

static gs_status fail_jpeg(gs__error *error, const char *name, tjhandle decoder) {
    return gs__fail(error, GS_ERR_FORMAT, "%s: the image is damaged: %s", name, tjGetErrorStr2(decoder));
}

static gs_status open_decoder(gs__error *error, const char *name, tjhandle *decoder) {
    *decoder = tjInitDecompress();
    if (*decoder) return GS_OK;
    return gs__fail(error, GS_ERR_MEMORY, "%s: the JPEG decoder does not start: %s", name, tjGetErrorStr2(NULL));
}

static gs_status read_head(gs__error *error, const char *name, tjhandle decoder, const void *data, size_t bytes,
                           gs__image *image) {
    int width = 0, height = 0, sampling = 0, space = 0;
    if (tjDecompressHeader3(decoder, data, (unsigned long)bytes, &width, &height, &sampling, &space) != 0)
        return fail_jpeg(error, name, decoder);
    if (width < 1 || height < 1)
        return gs__fail(error, GS_ERR_FORMAT, "%s: the image is damaged or truncated: its header says no size", name);
    if (space == TJCS_CMYK || space == TJCS_YCCK)
        return gs__fail(error, GS_ERR_UNSUPPORTED, "%s: a CMYK image: save it as RGB", name);
    *image = (gs__image){.width = (uint32_t)width, .height = (uint32_t)height, .channels = space == TJCS_GRAY ? 1 : 3};
    return GS_OK;
}

gs_status gs__jpeg_info(gs__error *error, const char *name, const void *data, size_t bytes, gs__image *image) {
    tjhandle decoder = NULL;
    gs_status status = open_decoder(error, name, &decoder);
    if (status == GS_OK) status = read_head(error, name, decoder, data, bytes, image);
    if (decoder) tjDestroy(decoder);
    return status;
}

gs_status gs__jpeg_decode(gs__error *error, const char *name, const void *data, size_t bytes, uint32_t channels,
                          gs__image *image) {
    static const int formats[5] = {-1, TJPF_GRAY, -1, TJPF_RGB, TJPF_RGBA};
    gs_status status = GS_OK;
    tjhandle decoder = NULL;
    if (channels > 4 || formats[channels] < 0)
        return gs__fail(error, GS_ERR_ARGUMENT, "%s: a JPEG image cannot have %u channels", name, channels);
    GS_TRY(open_decoder(error, name, &decoder));
    GS_TRY(read_head(error, name, decoder, data, bytes, image));
    image->pixels = gs__allocate(error, (uint64_t)image->width * image->height, channels, name);
    if (!image->pixels) {
        status = GS_ERR_MEMORY;
        goto fail;
    }
    image->channels = channels;
    // The accurate transform: the same pixels from every version of the library. A warning is a failure: it means
    // that the file is cut off or damaged. So does it end there, before many scans over what is missing take their time.
    if (tjDecompress2(decoder, data, (unsigned long)bytes, image->pixels, (int)image->width, 0, (int)image->height,
                      formats[channels], TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | LIMIT_SCANS) != 0)
        GS_TRY(fail_jpeg(error, name, decoder));
    tjDestroy(decoder);
    return GS_OK;
fail:
    if (decoder) tjDestroy(decoder);
    free(image->pixels);
    image->pixels = NULL;
    return status;
}
#else
static gs_status fail_unsupported(gs__error *error, const char *name) {
    return gs__fail(error, GS_ERR_UNSUPPORTED,
                    "%s: a JPEG image: this gradsmith was built without libjpeg-turbo (libturbojpeg0-dev); convert it "
                    "to PNG, or build it with that",
                    name);
}

gs_status gs__jpeg_info(gs__error *error, const char *name, const void *data, size_t bytes, gs__image *image) {
    (void)data, (void)bytes, (void)image;
    return fail_unsupported(error, name);
}

gs_status gs__jpeg_decode(gs__error *error, const char *name, const void *data, size_t bytes, uint32_t channels,
                          gs__image *image) {
    (void)data, (void)bytes, (void)channels, (void)image;
    return fail_unsupported(error, name);
}
#endif
