#pragma once
/// The number types that Reprise keeps voxels in.

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace reprise::datasets {

/// Every value of UInt8, Int16 and UInt16 is exact in a float, so voxels are carried as floats and
/// only stored in their own type.
enum class Element { UInt8, Int16, UInt16, Float32 };

/// Bytes of one element.
std::size_t size_of(Element element);

/// "uint8", "int16", "uint16" or "float32", as NumPy names them.
std::string_view to_string(Element element);

/// The type that holds both without loss: their own if equal, float32 otherwise.
Element promote(Element left, Element right);

/// Values in their stored, little-endian form. They must be in the range of `element`.
std::vector<std::byte> encode(std::span<const float> values, Element element);

/// Inverse of `encode`; `bytes` holds `out.size()` elements.
void decode(std::span<const std::byte> bytes, Element element, std::span<float> out);

}  // namespace reprise::datasets
