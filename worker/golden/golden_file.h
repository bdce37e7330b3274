#pragma once
/// A recorded file of the official implementation (the README beside those files has the schema),
/// and what came of comparing with it.

#include <boost/json/object.hpp>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "models/safetensors.h"
#include "models/torch.h"

namespace reprise::golden {

class GoldenFile {
 public:
  /// Errors: as `models::read_safetensors`.
  explicit GoldenFile(const std::filesystem::path& path);

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Errors: Corrupt where the file has no such tensor.
  [[nodiscard]] const torch::Tensor& tensor(const std::string& key) const;
  [[nodiscard]] double number(const std::string& key) const;
  [[nodiscard]] bool has(const std::string& key) const { return file_.tensors.contains(key); }
  /// What follows `prefix` in the names that begin with it.
  [[nodiscard]] std::vector<std::string> names_behind(std::string_view prefix) const;
  /// The largest value among tensors whose names begin with `prefix`; 0 for none.
  [[nodiscard]] double largest(std::string_view prefix) const;

  [[nodiscard]] bool has_text(const std::string& key) const { return file_.metadata.contains(key); }
  /// Metadata. Errors: Corrupt where it is missing or no JSON (for the latter two).
  [[nodiscard]] const std::string& text(const std::string& key) const;
  [[nodiscard]] std::int64_t integer(const std::string& key) const;
  [[nodiscard]] boost::json::value json(const std::string& key) const;

  /// Gives a module the file's weights: the stored ones, or those its formula describes. The file's
  /// keys stand below `prefix` in the module. Buffers that the file omits keep their value.
  /// Errors: Corrupt listing keys that do not fit.
  void fill(torch::nn::Module& module, const std::string& prefix = "") const;

 private:
  void fill_by_formula(models::TensorFile& state, const std::string& prefix) const;

  std::string name_;
  models::TensorFile file_;
};

/// Float64 results may be so many times as far from recorded float32 values as the file says these
/// are from exact arithmetic.
inline constexpr double kRoundingMargin = 1.25;

/// One comparison: passed where error <= tolerance (so that NaN does not pass).
struct Comparison {
  std::string what;
  double error = 0;
  double tolerance = 0;
  [[nodiscard]] bool passed() const { return error <= tolerance; }
};

class Comparisons {
 public:
  void add(std::string what, double error, double tolerance);
  /// Largest absolute difference against `tolerance` times the larger of `floor` and |want|.
  /// Shapes that differ are a miss.
  void tensors(const std::string& what, const torch::Tensor& got, const torch::Tensor& want,
               double tolerance, double floor = 1);
  void numbers(const std::string& what, double got, double want, double tolerance);

  [[nodiscard]] const std::vector<Comparison>& all() const { return all_; }
  [[nodiscard]] bool passed() const;
  /// The comparison nearest to its tolerance, or farthest beyond it.
  [[nodiscard]] const Comparison& worst() const;

 private:
  std::vector<Comparison> all_;
};

/// Parameters and floating-point buffers in double precision; indices stay integers.
void to_double(torch::nn::Module& module);

/// Norms of the parameters' gradients against `prefix`<key> (1e-3 relative and 1e-4 of the largest,
/// or `relative` of the largest alone where that is given). A parameter without a recorded norm
/// must have no gradient.
void compare_gradient_norms(Comparisons& out, const torch::nn::Module& module,
                            const GoldenFile& file, const std::string& prefix,
                            const std::string& label, double relative = 0);

}  // namespace reprise::golden
