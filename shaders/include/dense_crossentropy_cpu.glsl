// Op dense_crossentropy for drivers that run workgroups on CPU threads: no shared memory, no barriers. A workgroup is
// one subgroup of 8. See head_cpu.glsl.
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_samplerless_texture_functions : require
#include "dense_crossentropy.glsl"
#include "texel.glsl"

layout(constant_id = 5) const uint TAIL = 0; // features % 4
layout(local_size_x = 8) in;

layout(set = 0, binding = 0) buffer ACTIVATIONS4 { vec4 act4[]; };
layout(set = 0, binding = 8) uniform textureBuffer act_texels;
layout(set = 0, binding = 9) uniform textureBuffer param_texels;

#define BIAS_OF_HEAD BIAS
#define HEAD_EPILOGUE EPILOGUE_MODE
#define HEAD_X(v) narrow4(v, false)
#define HEAD_KERNEL(v) factor_b4(v)
#define HEAD_GRADIENT(v) factor_a4(v)
#define HEAD_DX(v) unscaled4(v)
#include "head_cpu.glsl"

TEXEL_LOAD(load4, act_texels, TAIL == 0u)

uint first_x, first_y;
vec4 head_x(uint row, uint k) { return load4(first_x + row * head.features + k); }
vec4 head_y(uint row, uint k) { return load4(first_y + row * head.features + k); }

void main() {
    head = head_tensors(push.features, state.cur.rows, push.kernel, push.bias, push.loss, push.accuracy, push.dlogits,
                        push.dx);
    first_x = push.x;
    first_y = push.epilogue_y;
    uint own = (gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x) * 8u + gl_LocalInvocationID.x;
    // Lanes without a row of their own keep the others company.
    uint row = min(own, push.row_count - 1u);
    head_row(row, targets[push.targets + row], own < push.row_count);
}
