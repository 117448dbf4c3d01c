# gradsmith_embed(OUT NAME FILE): generated/NAME.c with `const unsigned char NAME[]`, the bytes of a file, and
# `const unsigned long NAME_bytes`, how many.
function(gradsmith_embed out name source)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${source}")
  file(READ "${PROJECT_SOURCE_DIR}/${source}" bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  set(made "${PROJECT_BINARY_DIR}/generated/${name}.c")
  file(CONFIGURE OUTPUT "${made}"
    CONTENT "// ${source}\nextern const unsigned char ${name}[];\nextern const unsigned long ${name}_bytes;\n\
const unsigned char ${name}[] = {${bytes}};\nconst unsigned long ${name}_bytes = sizeof ${name};\n" @ONLY)
  set(${out} "${made}" PARENT_SCOPE)
endfunction()
