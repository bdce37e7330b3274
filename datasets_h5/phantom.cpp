#include "datasets_h5/phantom.h"

#include <algorithm>
#include <cstdio>
#include <thread>

#include "datasets_h5/parallel.h"
#include "datasets_h5/phantom_body.h"
#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

std::array<int, 3> size_of_volume(const PhantomOptions& options) {
  std::array<int, 3> size = phantom_kind(options.kind).small;
  for (std::size_t i = 0; i < 3; ++i) {
    if (options.size[i] != 0) size[i] = options.size[i];
    if (size[i] < 1 || size[i] > 1024) {
      throw_invalid("phantom: side " + std::to_string(size[i]) + ", must be 1 to 1024");
    }
  }
  return size;
}

void write_brain(const fs::path& root, const std::string& id, const Phantom& brain, bool analyze) {
  const fs::path folder = root / "disc1" / id;
  const std::string stem = id + "_mpr_n4_anon_111_t88_masked_gfc";
  const std::string t1 = (folder / "PROCESSED/MPRAGE/T88_111" / stem).string();
  const std::string tissues = (folder / "FSL_SEG" / (stem + "_fseg")).string();
  if (analyze) {
    write_analyze(t1 + ".hdr", brain.images.front());
    write_analyze(tissues + ".hdr", brain.labels);
  } else {
    write_nifti(t1 + ".nii.gz", brain.images.front());
    write_nifti(tissues + ".nii.gz", brain.labels);
  }
}

void write_tumour(const fs::path& root, const std::string& id, const Phantom& brain, bool high) {
  const fs::path folder = root / (high ? "HGG" : "LGG") / id;
  constexpr std::array<const char*, 4> kModality{"_t1ce", "_t1", "_t2", "_flair"};
  for (std::size_t i = 0; i < kModality.size(); ++i) {
    write_nifti(folder / (id + kModality[i] + ".nii.gz"), brain.images[i]);
  }
  write_nifti(folder / (id + "_seg.nii.gz"), brain.labels);
}

std::string write_subject(const fs::path& root, const PhantomOptions& options, int subject) {
  std::array<char, 16> number{};
  (void)std::snprintf(number.data(), number.size(), "RPS_%04d", subject);
  std::string id = number.data();
  const Phantom phantom = make_phantom(options, subject);
  if (options.kind == "brain") {
    id += "_MR1";
    write_brain(root, id, phantom, subject == 1);
  } else if (options.kind == "tumour") {
    write_tumour(root, id, phantom, subject % 3 != 0);
  } else if (options.kind == "cardiac") {
    const Phantom systole = make_phantom(options, subject, 1);
    for (const auto& [name, frame] : {std::pair("_frame01", &phantom), {"_frame12", &systole}}) {
      write_nifti(root / id / (id + name + ".nii.gz"), frame->images.front());
      write_nifti(root / id / (id + name + "_gt.nii.gz"), frame->labels);
    }
  } else {
    write_nifti(root / (id + ".nii.gz"), phantom.images.front());
    write_nifti(root / "mask" / (id + ".nii.gz"), phantom.labels);
  }
  return id;
}

}  // namespace

const std::vector<PhantomKind>& phantom_kinds() {
  static const std::vector<PhantomKind> kinds{
      {"brain",
       "T1 brains in the OASIS-1 layout",
       "oasis",
       {128, 160, 24},
       {176, 208, 176},
       {1, 1, 1}},
      {"tumour",
       "Brains with a tumour, four modalities, in the BraTS layout",
       "brats",
       {192, 192, 24},
       {240, 240, 155},
       {1, 1, 1}},
      {"cardiac",
       "Hearts in two frames, in the ACDC layout",
       "acdc",
       {128, 144, 8},
       {216, 256, 10},
       {1.5, 1.5, 10}},
      {"lung",
       "Chest CT with lesions, in the COVID-CT layout",
       "covid",
       {256, 256, 16},
       {512, 512, 176},
       {0.75, 0.75, 1.5}}};
  return kinds;
}

const PhantomKind& phantom_kind(const std::string& name) {
  std::vector<std::string> names;
  for (const PhantomKind& kind : phantom_kinds()) {
    if (kind.name == name) return kind;
    names.push_back(kind.name);
  }
  throw_invalid("phantom kind \"" + name + "\" is unknown" + sweep::nearest_hint(name, names));
}

Phantom make_phantom(const PhantomOptions& options, int subject, int frame) {
  const PhantomKind& kind = phantom_kind(options.kind);
  const Noise noise(options.seed, subject);
  const PhantomJob job{.noise = noise, .size = size_of_volume(options), .frame = frame};
  Phantom phantom = options.kind == "brain"     ? make_brain(job)
                    : options.kind == "tumour"  ? make_tumour(job)
                    : options.kind == "cardiac" ? make_cardiac(job)
                                                : make_lung(job);
  const auto describe = [&](Volume& volume, Element element) {
    volume.dims = job.size;
    volume.voxel_mm = kind.voxel_mm;
    volume.element = element;
    // Analyze, which the brain is written as too, knows no orientation.
    if (options.kind != "brain") volume.orientation = "LPS";
  };
  for (Volume& image : phantom.images) describe(image, Element::Int16);
  describe(phantom.labels, Element::UInt8);
  return phantom;
}

std::vector<std::string> write_phantom(const fs::path& root, const PhantomOptions& options) {
  if (options.subjects < 1 || options.subjects > 9999) {
    throw_invalid("phantom: subjects is " + std::to_string(options.subjects) +
                  ", must be 1 to 9999");
  }
  (void)size_of_volume(options);
  std::vector<std::string> ids;
  const int threads = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 8);
  ordered_parallel(
      options.subjects, threads, [&](int i) { return write_subject(root, options, i + 1); },
      [&](int, std::string id) { ids.push_back(std::move(id)); });
  return ids;
}

}  // namespace reprise::datasets
