#include "datasets_h5/element.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "sweep/error.h"

namespace reprise::datasets {
namespace {

static_assert(std::endian::native == std::endian::little, "stored bytes are little-endian");

template <typename T>
void encode_as(std::span<const float> values, std::byte* out) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const T value = static_cast<T>(values[i]);
    std::memcpy(out + i * sizeof(T), &value, sizeof(T));
  }
}

template <typename T>
void decode_as(const std::byte* bytes, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
    out[i] = static_cast<float>(value);
  }
}

}  // namespace

std::size_t size_of(Element element) {
  switch (element) {
    case Element::UInt8:
      return 1;
    case Element::Int16:
    case Element::UInt16:
      return 2;
    case Element::Float32:
      return 4;
  }
  return 0;
}

std::string_view to_string(Element element) {
  switch (element) {
    case Element::UInt8:
      return "uint8";
    case Element::Int16:
      return "int16";
    case Element::UInt16:
      return "uint16";
    case Element::Float32:
      return "float32";
  }
  return "unknown";
}

Element promote(Element left, Element right) { return left == right ? left : Element::Float32; }

std::vector<std::byte> encode(std::span<const float> values, Element element) {
  std::vector<std::byte> bytes(values.size() * size_of(element));
  switch (element) {
    case Element::UInt8:
      encode_as<std::uint8_t>(values, bytes.data());
      break;
    case Element::Int16:
      encode_as<std::int16_t>(values, bytes.data());
      break;
    case Element::UInt16:
      encode_as<std::uint16_t>(values, bytes.data());
      break;
    case Element::Float32:
      encode_as<float>(values, bytes.data());
      break;
  }
  return bytes;
}

void decode(std::span<const std::byte> bytes, Element element, std::span<float> out) {
  REPRISE_CHECK(bytes.size() == out.size() * size_of(element));
  switch (element) {
    case Element::UInt8:
      return decode_as<std::uint8_t>(bytes.data(), out);
    case Element::Int16:
      return decode_as<std::int16_t>(bytes.data(), out);
    case Element::UInt16:
      return decode_as<std::uint16_t>(bytes.data(), out);
    case Element::Float32:
      return decode_as<float>(bytes.data(), out);
  }
}

}  // namespace reprise::datasets
