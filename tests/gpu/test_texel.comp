// y[i] = sum of the four floats of texel i of x.
#version 450

layout(local_size_x = 64) in;

layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 8) uniform textureBuffer x_texels;
layout(set = 0, binding = 1) writeonly buffer Y { float y[]; };
layout(push_constant) uniform PUSH {
    uint count;
    uint element; // of x that is added, so that the plain view is used too
} push;

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= push.count) return;
    y[i] = dot(texelFetch(x_texels, int(i)), vec4(1.0)) + x[push.element];
}
