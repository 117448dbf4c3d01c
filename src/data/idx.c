// The format of the MNIST files: http://yann.lecun.com/exdb/mnist: two zero bytes, a type, the number of dimensions,
// the dimensions as big-endian 32-bit integers, the elements in row-major order.
#include "data/data.h"

static uint32_t load_u32(const unsigned char *from) {
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static bool find_element(unsigned char type, gs__element *element) {
    switch (type) {
    case 0x08:
        *element = GS__ELEMENT_U8;
        return true;
    case 0x09:
        *element = GS__ELEMENT_I8;
        return true;
    case 0x0B:
        *element = GS__ELEMENT_I16;
        return true;
    case 0x0C:
        *element = GS__ELEMENT_I32;
        return true;
    case 0x0D:
        *element = GS__ELEMENT_F32;
        return true;
    case 0x0E:
        *element = GS__ELEMENT_F64;
        return true;
    default:
        return false;
    }
}

gs_status gs__idx_parse(gs__error *error, const char *name, const void *data, size_t bytes, gs__array_use use,
                        gs__array *array) {
    const unsigned char *from = data;
    const char *expected =
        use != GS__TARGETS ? "0x00000803 (images of unsigned bytes)" : "0x00000801 (labels of unsigned bytes)";
    gs__layout layout = {.big_endian = true};
    if (bytes < 4)
        return gs__fail(error, GS_ERR_FORMAT,
                        "%s: truncated: it has %zu bytes, an IDX file begins with 4 that say what "
                        "it is",
                        name, bytes);
    uint32_t magic = load_u32(from), rank = from[3];
    if (from[0] || from[1] || !find_element(from[2], &layout.element))
        return gs__fail(error, GS_ERR_FORMAT,
                        "%s: wrong magic number 0x%08x at offset 0: an IDX file of this kind "
                        "begins with %s",
                        name, (unsigned)magic, expected);
    if (use != GS__TARGETS && rank == 1)
        return gs__fail(error, GS_ERR_FORMAT,
                        "%s: magic number 0x%08x says that these are labels, expected %s; are "
                        "the two files in the wrong order?",
                        name, (unsigned)magic, expected);
    if (use == GS__TARGETS && rank != 1)
        return gs__fail(error, GS_ERR_FORMAT,
                        "%s: magic number 0x%08x says %u dimensions, expected %s; are the two "
                        "files in the wrong order?",
                        name, (unsigned)magic, (unsigned)rank, expected);
    if (rank < 1 || rank > GS_MAX_RANK)
        return gs__fail(error, GS_ERR_FORMAT,
                        "%s: magic number 0x%08x says %u dimensions, at most %d are supported; "
                        "expected %s",
                        name, (unsigned)magic, (unsigned)rank, GS_MAX_RANK, expected);
    size_t header = 4 + 4 * (size_t)rank;
    if (bytes < header)
        return gs__fail(error, GS_ERR_FORMAT, "%s: truncated: it has %zu bytes, its header alone takes %zu", name,
                        bytes, header);
    layout.shape.rank = rank;
    for (uint32_t i = 0; i < rank; i++) layout.shape.dim[i] = load_u32(from + 4 + 4 * i);
    return gs__array_from_bytes(error, name, &layout, header, from + header, bytes - header, use, array);
}
