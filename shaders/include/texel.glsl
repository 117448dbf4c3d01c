// Loads of four floats from a buffer that is read as RGBA32F texels.
#ifndef GS_TEXEL_GLSL
#define GS_TEXEL_GLSL

// Elements e .. e + 3 of two neighbouring texels, `by` = e % 4.
vec4 texel_shift(vec4 lo, vec4 hi, uint by) {
    bool one = (by & 1u) != 0u, two = (by & 2u) != 0u;
    vec4 p = one ? vec4(lo.yzw, hi.x) : lo;
    vec2 q = one ? hi.yz : hi.xy;
    return two ? vec4(p.zw, q) : p;
}

// Defines vec4 name(uint e): elements e .. e + 3. `aligned`: e is a multiple of 4. Those behind the buffer's end are
// some other element's values.
#define TEXEL_LOAD(name, texels, aligned)                                                                     \
    vec4 name(uint e) {                                                                                       \
        int t = int(e >> 2);                                                                                  \
        if (aligned) return texelFetch(texels, t);                                                            \
        vec4 hi = texelFetch(texels, min(t + 1, textureSize(texels) - 1));                                    \
        return texel_shift(texelFetch(texels, t), hi, e & 3u);                                                \
    }

#endif
