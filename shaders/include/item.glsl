// The item of an invocation in a dispatch made by gs__dispatch_record_1d (src/plan/record.h).
#ifndef GS_ITEM_GLSL
#define GS_ITEM_GLSL

uint item_index() {
    return gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
}

#endif
